/**
 * What each parameter of a listener method wants, read once from decorators and emitted types. A shape that cannot work is
 * refused here, at start, naming class, method and parameter.
 */
import { KafkaConsumer } from '#client';
import { Message, MessageHeaders } from '#message';
import { type Class, ConsumerRecord, ConsumerRecordMetadata, ConsumerRecords } from '#serde';
import { Acknowledgment } from './acknowledgment.ts';
import type { HeaderAttributes, ParameterMark } from './attributes.ts';
import { ListenerConfigurationError } from './exceptions.ts';
import { type Member, parameterMarks, parameterTypes } from './metadata.ts';

export type ParameterWish =
  | { wants: 'payload'; type: Class | undefined; elementType: Class | undefined; isRequired: boolean }
  | { wants: 'header'; name: string; type: Class | undefined; attributes: HeaderAttributes }
  | { wants: 'headers'; asMap: boolean }
  | { wants: 'record' | 'records' | 'message' | 'metadata' | 'acknowledgment' | 'consumer' };

export interface Parameter {
  index: number;
  /** `parameter 1 of Orders.onOrder`. */
  where: string;
  wish: ParameterWish;
}

export interface ListenerMethod {
  bean: object;
  type: Class;
  member: Member;
  /** `Orders.onOrder`. */
  where: string;
}

export function listenerMethod(bean: object, member: Member): ListenerMethod {
  const type = bean.constructor as Class;
  return { bean, type, member, where: `${type.name}.${String(member)}` };
}

/**
 * @param isBatch without emitted types, a `@Payload` of a batch listener is a list of what it names.
 * @throws ListenerConfigurationError
 */
export function readParameters(method: ListenerMethod, isBatch = false): Parameter[] {
  const { bean, type, member, where } = method;
  const marks = parameterMarks(type, member);
  const types = parameterTypes(type, member);
  const declaredCount = ((bean as Record<Member, unknown>)[member] as { length: number }).length;
  const count = types?.length ?? Math.max(declaredCount, ...[...marks.keys()].map((index) => index + 1));
  const declared =
    types ?? Array.from({ length: count }, (_, index) => (isBatch && isPayload(marks.get(index)) ? Array : undefined));
  if (types === undefined && !declared.every((_, index) => namesType(marks.get(index)))) throw refused(where, NO_TYPES);
  const parameters = Array.from({ length: count }, (_, index) => ({
    index,
    where: `parameter ${index} of ${where}`,
    wish: wishOf(marks.get(index), declared[index]),
  }));
  checkPayloads(parameters, marks, where);
  return parameters;
}

/**
 * What should be said about a method that works, but perhaps not as meant: a payload that may be null is naturally declared as
 * `Order | null`, of which the compiler tells only Object, and would then be neither converted nor validated.
 */
export function doubtsAbout({ type, member, where }: ListenerMethod): string[] {
  const types = parameterTypes(type, member);
  return [...parameterMarks(type, member)].flatMap(([index, mark]) => {
    const isUnion = mark.is === 'payload' && mark.attributes.required === false && types?.[index] === Object;
    if (!isUnion || mark.attributes.type !== undefined) return [];
    return [
      `parameter ${index} of ${where} gets its payload as it is, neither converted nor validated: of a union, an interface or unknown ` +
        'the compiler tells no class. Write `order?: Order`, or @Payload({ required: false, type: Order }); type: Object if that is meant',
    ];
  });
}

const NO_TYPES =
  'the classes of its parameters are not known, so payloads would be neither converted nor validated: the compiler emitted no types ' +
  'for it. Compile with "experimentalDecorators" and "emitDecoratorMetadata" (tsc or swc; tsx, esbuild and type stripping cannot), ' +
  "or name the class of each parameter: @Payload({ type: Order }), @Header('name', { type: String })";

/** Whether the decorators of a parameter say all that the compiler would. */
function namesType(mark: ParameterMark | undefined): boolean {
  return mark?.is === 'headers' || mark?.attributes.type !== undefined;
}

function isPayload(mark: ParameterMark | undefined): boolean {
  return mark?.is === 'payload';
}

function wishOf(mark: ParameterMark | undefined, declared: Class | undefined): ParameterWish {
  const type = declared === Object ? undefined : declared;
  if (mark?.is === 'header')
    return { wants: 'header', name: mark.name, type: mark.attributes.type ?? type, attributes: mark.attributes };
  if (mark?.is === 'headers') return { wants: 'headers', asMap: type === Map || type === MessageHeaders };
  if (mark?.is === 'payload')
    return payloadWish(type, resolved(mark.attributes.type), mark.attributes.required ?? true);
  const special = specialTypes.get(type as Class);
  if (special !== undefined) return { wants: special };
  if (type === MessageHeaders) return { wants: 'headers', asMap: true };
  return payloadWish(type, undefined, true);
}

function payloadWish(type: Class | undefined, given: Class | undefined, isRequired: boolean): ParameterWish {
  const isList = type === Array;
  return {
    wants: 'payload',
    type: isList ? type : (given ?? type),
    elementType: isList ? given : undefined,
    isRequired,
  };
}

const specialTypes = new Map<Class, 'record' | 'records' | 'message' | 'metadata' | 'acknowledgment' | 'consumer'>([
  [ConsumerRecord, 'record'],
  [ConsumerRecords, 'records'],
  [Message, 'message'],
  [ConsumerRecordMetadata, 'metadata'],
  [Acknowledgment, 'acknowledgment'],
  [KafkaConsumer, 'consumer'],
]);

/** `Order` or `() => Order`: a class has a prototype, an arrow has none. */
function resolved(type: Class | (() => Class) | undefined): Class | undefined {
  if (type === undefined || type.prototype !== undefined) return type as Class | undefined;
  return (type as () => Class)();
}

/** One undecorated parameter may be the payload; a second one is a guess that nobody should make. */
function checkPayloads(
  parameters: readonly Parameter[],
  marks: ReadonlyMap<number, ParameterMark>,
  where: string,
): void {
  const guessed = parameters.filter(({ wish, index }) => wish.wants === 'payload' && !marks.has(index));
  const decorated = parameters.filter(({ index }) => marks.get(index)?.is === 'payload');
  if (decorated.length > 1) throw refused(where, 'two parameters are decorated with @Payload');
  const surplus = decorated.length === 1 ? guessed[0] : guessed[1];
  if (surplus === undefined) return;
  const hint =
    'decorate it with @Header, @Headers or @Payload, or declare it as Acknowledgment, ConsumerRecord, KafkaConsumer, …; ' +
    'a class that is imported with `import type` is not visible at run time';
  throw refused(surplus.where, `it is not clear what it should be given: ${hint}`);
}

export function refused(where: string, problem: string): ListenerConfigurationError {
  return new ListenerConfigurationError(`@KafkaListener, ${where}: ${problem}`);
}
