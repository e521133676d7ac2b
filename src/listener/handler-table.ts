/**
 * Which `@KafkaHandler` method takes a record: by the payload's class, which is known from the value itself or from the type
 * header that its sender wrote. Exactly one handler may fit; a default handler takes what fits none.
 */
import { type Class, type ConsumerRecord, TYPE_ID_HEADER, type TypeRegistry } from '#serde';
import type { BoundRecordMethod } from './bound-method.ts';
import { NoHandlerException } from './exceptions.ts';
import { refused } from './parameters.ts';

export interface Handler<T extends BoundRecordMethod = BoundRecordMethod> {
  bound: T;
  isDefault: boolean;
}

export class HandlerTable<H extends Handler> {
  private readonly where: string;
  private readonly handlers: readonly H[];
  private readonly otherwise: H | undefined;
  private readonly types: TypeRegistry;
  private readonly byTypeId = new Map<string, H | null>();

  /** @throws ListenerConfigurationError when two handlers take the same class, or two are the default. */
  constructor(where: string, handlers: readonly H[], types: TypeRegistry) {
    this.where = where;
    this.types = types;
    const defaults = handlers.filter(({ isDefault }) => isDefault);
    if (defaults.length > 1) throw refused(where, 'two @KafkaHandler methods are the default');
    this.otherwise = defaults[0];
    this.handlers = handlers.filter(({ isDefault }) => !isDefault);
    for (const [index, { bound }] of this.handlers.entries()) {
      const other = this.handlers.slice(0, index).find((one) => one.bound.payloadType === bound.payloadType);
      if (other === undefined) continue;
      const type = bound.payloadType?.name ?? 'anything';
      throw refused(where, `${String(other.bound.method.member)} and ${String(bound.method.member)} both take ${type}`);
    }
  }

  /** @throws NoHandlerException when none fits, or more than one. */
  handlerFor(record: ConsumerRecord): H {
    const found = this.find(record) ?? this.otherwise;
    if (found !== undefined) return found;
    throw new NoHandlerException(`no method of ${this.where} takes ${describe(record)}, and none is the default`);
  }

  private find(record: ConsumerRecord): H | undefined {
    const { value } = record;
    if (value === null || value === undefined) return this.handlers.find(({ bound }) => bound.takesNull);
    const typeId = record.headers.text(TYPE_ID_HEADER);
    if (isPlain(value) && typeId !== undefined) return this.byId(typeId);
    return this.only(
      this.handlers.filter(({ bound }) => takes(bound.payloadType, value)),
      record,
    );
  }

  /** A type id names a registered class, or is a handler's class name itself (Java's may come with its package). */
  private byId(typeId: string): H | undefined {
    let found = this.byTypeId.get(typeId);
    if (found === undefined) {
      const type = this.types.typeOf(typeId);
      const simple = typeId.replace(/^.*[.$]/, '');
      found =
        this.handlers.find(({ bound }) =>
          type === undefined ? bound.payloadType?.name === simple : bound.payloadType === type,
        ) ?? null;
      if (this.byTypeId.size < TYPE_IDS_MAX) this.byTypeId.set(typeId, found);
    }
    return found ?? undefined;
  }

  private only(candidates: readonly H[], record: ConsumerRecord): H | undefined {
    if (candidates.length < 2) return candidates[0];
    const exact = candidates.filter(({ bound }) => bound.payloadType === (record.value as object).constructor);
    if (exact.length === 1) return exact[0];
    const names = candidates.map(({ bound }) => String(bound.method.member)).join(', ');
    throw new NoHandlerException(`ambiguous methods of ${this.where} for ${describe(record)}: ${names}`);
  }
}

/** Type ids come from the wire: their cache has a bound. */
const TYPE_IDS_MAX = 1000;

/** Plain data, which has no class of its own. */
function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function takes(type: Class | undefined, value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return type === (String as unknown as Class);
    case 'number':
      return type === (Number as unknown as Class);
    case 'boolean':
      return type === (Boolean as unknown as Class);
    case 'bigint':
      return type === (BigInt as unknown as Class);
    default:
      return type !== undefined && type !== Object && value instanceof type;
  }
}

function describe(record: ConsumerRecord): string {
  const { value } = record;
  if (value === null || value === undefined) return 'a tombstone';
  const typeId = record.headers.text(TYPE_ID_HEADER);
  if (isPlain(value)) return typeId === undefined ? 'an object without a type header' : `the type '${typeId}'`;
  return typeof value === 'object' ? `a ${value.constructor?.name}` : `a ${typeof value}`;
}
