/**
 * From a record's value to what a listener's parameter declares. The rule per declared class is a table; instances of user
 * classes are made by a transformer and checked by a validator, both handed in (`app/` brings class-transformer and
 * class-validator). Everything that cannot be converted is an error of this record, never of the listener.
 */
import { errorText, KafkaError } from '#core';
import type { Class } from '#serde';

export interface PayloadTransformer {
  /** An instance of `type` from plain data (object or array element). */
  toInstance(type: Class, plain: unknown): unknown;
}

/** One broken rule. `property` is a path such as `lines[0].price`. */
export interface ValidationError {
  property: string;
  message: string;
}

export interface PayloadValidator {
  /** The broken rules of `instance`, empty when it is valid or its class has none. */
  validate(instance: object): ValidationError[];
}

/** A record's value does not fit the declared parameter. Not retried. */
export class MessageConversionException extends KafkaError {
  override readonly name = 'MessageConversionException';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super('PAYLOAD_CONVERSION_FAILED', message, { retriable: false, cause: options.cause });
  }
}

/** A payload breaks the rules of its class. Not retried. */
export class MethodArgumentNotValidException extends KafkaError {
  override readonly name = 'MethodArgumentNotValidException';
  readonly errors: readonly ValidationError[];

  constructor(what: string, errors: readonly ValidationError[]) {
    const list = errors.map((error) => (error.property === '' ? error.message : `${error.property}: ${error.message}`));
    super('PAYLOAD_INVALID', `${what} is not valid: ${list.join('; ')}`, { retriable: false });
    this.errors = errors;
  }
}

/** What a parameter declares: a class, and for lists the class of the elements. Neither means "as it is". */
export interface PayloadType {
  type?: Class;
  elementType?: Class;
}

/** Copies plain properties onto an object of the class, without running its constructor. The fallback when nothing else is handed in. */
export const assigningTransformer: PayloadTransformer = {
  toInstance: (type, plain) => Object.assign(Object.create(type.prototype as object), plain),
};

export class PayloadConverter {
  private readonly transformer: PayloadTransformer;
  private readonly validator: PayloadValidator | undefined;

  constructor(options: { transformer?: PayloadTransformer; validator?: PayloadValidator } = {}) {
    this.transformer = options.transformer ?? assigningTransformer;
    this.validator = options.validator;
  }

  /**
   * `value` as the declared type. Null stays null.
   * @throws MessageConversionException, MethodArgumentNotValidException
   */
  convert(value: unknown, { type, elementType }: PayloadType): unknown {
    if (value === null || value === undefined) return null;
    if (elementType !== undefined && (type === undefined || type === Array)) return this.list(value, elementType);
    if (type === undefined || type === Object) return value;
    const simple = simpleTypes.get(type);
    return simple === undefined ? this.instance(value, type) : simple(value);
  }

  private list(value: unknown, elementType: Class): unknown[] {
    const items = simpleTypes.get(Array)?.(value) as unknown[];
    return items.map((item) => this.convert(item, { type: elementType }));
  }

  private instance(value: unknown, type: Class): unknown {
    const instance = value instanceof type ? value : this.transform(plainOf(value, type), type);
    const errors = this.validator?.validate(instance as object) ?? [];
    if (errors.length > 0) throw new MethodArgumentNotValidException(type.name, errors);
    return instance;
  }

  private transform(plain: object, type: Class): unknown {
    try {
      return this.transformer.toInstance(type, plain);
    } catch (cause) {
      throw new MessageConversionException(`cannot make a ${type.name}: ${errorText(cause)}`, { cause });
    }
  }
}

function plainOf(value: unknown, type: Class): object {
  const plain = typeof value === 'string' || value instanceof Uint8Array ? parsed(value, type.name) : value;
  if (typeof plain === 'object' && plain !== null && !Array.isArray(plain)) return plain;
  throw refused(plain, type.name);
}

function parsed(value: string | Uint8Array, wanted: string): unknown {
  try {
    return JSON.parse(
      typeof value === 'string'
        ? value
        : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'),
    );
  } catch (cause) {
    throw new MessageConversionException(`expected JSON for a ${wanted}: ${errorText(cause)}`, { cause });
  }
}

function refused(value: unknown, wanted: string): MessageConversionException {
  const kind = value === null ? 'null' : Array.isArray(value) ? 'a list' : describe(value);
  return new MessageConversionException(`the payload is ${kind}, the listener wants a ${wanted}`);
}

function describe(value: unknown): string {
  if (typeof value !== 'object') return `the ${typeof value} ${String(value).slice(0, 60)}`;
  return `an object of class ${(value as object).constructor?.name ?? 'none'}`;
}

const textOf = (value: unknown): string | undefined =>
  value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
    : typeof value === 'string'
      ? value
      : undefined;

const simpleTypes = new Map<Class, (value: unknown) => unknown>([
  [String as unknown as Class, toText],
  [Number as unknown as Class, toNumber],
  [Boolean as unknown as Class, toBoolean],
  [BigInt as unknown as Class, toBigInt],
  [Buffer, toBuffer],
  [Uint8Array, toBuffer],
  [Date, toDate],
  [Array, toArray],
]);

function toText(value: unknown): string {
  const text = textOf(value) ?? (['number', 'boolean', 'bigint'].includes(typeof value) ? String(value) : undefined);
  if (text !== undefined) return text;
  throw refused(value, 'string');
}

function toNumber(value: unknown): number {
  const text = textOf(value);
  const number = text === undefined || text.trim() === '' ? value : Number(text);
  if (typeof number === 'number' && !Number.isNaN(number)) return number;
  if (typeof number === 'bigint' && Number.isSafeInteger(Number(number))) return Number(number);
  throw refused(value, 'number');
}

function toBoolean(value: unknown): boolean {
  const text = typeof value === 'boolean' ? String(value) : textOf(value);
  if (text === 'true' || text === 'false') return text === 'true';
  throw refused(value, 'boolean');
}

function toBigInt(value: unknown): bigint {
  const source = typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : textOf(value);
  if (source !== undefined && /^[+-]?\d+$/.test(source)) return BigInt(source);
  throw refused(value, 'bigint');
}

function toBuffer(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.isBuffer(value) ? value : Buffer.from(value);
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  throw refused(value, 'Buffer');
}

function toDate(value: unknown): Date {
  const date =
    value instanceof Date ? value : new Date(typeof value === 'number' ? value : (textOf(value) ?? Number.NaN));
  if (!Number.isNaN(date.getTime())) return date;
  throw refused(value, 'Date');
}

function toArray(value: unknown): unknown[] {
  const list = typeof value === 'string' || value instanceof Uint8Array ? parsed(value, 'list') : value;
  if (Array.isArray(list)) return list;
  throw refused(list, 'list');
}
