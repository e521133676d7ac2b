/**
 * JSON with Spring's type headers and configuration keys. Written: `__TypeId__` for instances of registered classes
 * (`spring.json.add.type.headers`). Read: plain data, or an instance when a class is known and a `toInstance` function was
 * handed in; listeners leave that to their message converter, which knows the parameter's class.
 */
import { DeserializationException, SerializationException } from './errors.ts';
import type { Headers } from './headers.ts';
import type { Deserializer, Serializer } from './serializer.ts';
import { type Class, defaultTypes, KEY_TYPE_ID_HEADER, TYPE_ID_HEADER, type TypeRegistry } from './type-registry.ts';

export interface JsonSerializerOptions {
  types?: TypeRegistry;
  /** Write type headers; default true. */
  addTypeHeaders?: boolean;
}

export class JsonSerializer<T = unknown> implements Serializer<T> {
  private readonly types: TypeRegistry;
  private addTypeHeaders: boolean;
  private typeHeader = TYPE_ID_HEADER;

  constructor(options: JsonSerializerOptions = {}) {
    this.types = options.types ?? defaultTypes;
    this.addTypeHeaders = options.addTypeHeaders ?? true;
  }

  configure(configs: Record<string, unknown>, isKey: boolean): void {
    this.addTypeHeaders = flag(configs['spring.json.add.type.headers'], this.addTypeHeaders);
    this.typeHeader = isKey ? KEY_TYPE_ID_HEADER : TYPE_ID_HEADER;
  }

  serialize(topic: string, value: T, headers: Headers): Buffer | null {
    if (value === null || value === undefined) return null;
    if (this.addTypeHeaders) this.addTypeHeader(value, headers);
    const text = textOf(topic, value);
    if (text === undefined) throw new SerializationException(`a ${typeof value} for ${topic} has no JSON form`);
    return Buffer.from(text, 'utf8');
  }

  private addTypeHeader(value: unknown, headers: Headers): void {
    const id = this.types.idOf(value);
    if (id !== undefined) headers.set(this.typeHeader, id);
  }
}

function textOf(topic: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new SerializationException(`cannot write a value for ${topic} as JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
}

export interface JsonDeserializerOptions<T = unknown> {
  types?: TypeRegistry;
  /** The class when no type header names one. */
  defaultType?: Class<T & object>;
  /** Believe type headers; default true. */
  useTypeHeaders?: boolean;
  /** Strip type headers after reading. Default false (Spring: true), so that class-level listeners and dead letters still have them. */
  removeTypeHeaders?: boolean;
  /** Makes an instance of a class from plain data. Without it the plain data is the value. */
  toInstance?: (type: Class, plain: unknown) => unknown;
}

export class JsonDeserializer<T = unknown> implements Deserializer<T> {
  private readonly types: TypeRegistry;
  private readonly toInstance: ((type: Class, plain: unknown) => unknown) | undefined;
  private defaultType: Class | undefined;
  private useTypeHeaders: boolean;
  private removeTypeHeaders: boolean;
  private isKey = false;

  constructor(options: JsonDeserializerOptions<T> = {}) {
    this.types = options.types ?? defaultTypes;
    this.toInstance = options.toInstance;
    this.defaultType = options.defaultType;
    this.useTypeHeaders = options.useTypeHeaders ?? true;
    this.removeTypeHeaders = options.removeTypeHeaders ?? false;
  }

  configure(configs: Record<string, unknown>, isKey: boolean): void {
    this.isKey = isKey;
    this.useTypeHeaders = flag(configs['spring.json.use.type.headers'], this.useTypeHeaders);
    this.removeTypeHeaders = flag(configs['spring.json.remove.type.headers'], this.removeTypeHeaders);
    const name = configs[isKey ? 'spring.json.key.default.type' : 'spring.json.value.default.type'];
    if (typeof name === 'function') this.defaultType = name as unknown as Class;
    else if (typeof name === 'string') this.defaultType = this.types.typeOf(name) ?? this.defaultType;
  }

  deserialize(topic: string, bytes: Buffer | null, headers: Headers): T {
    if (bytes === null) return null as T;
    const plain = this.parse(topic, bytes);
    const type = this.toInstance === undefined ? undefined : this.typeFor(headers);
    if (this.removeTypeHeaders) headers.remove(this.isKey ? KEY_TYPE_ID_HEADER : TYPE_ID_HEADER);
    return (type === undefined ? plain : this.toInstance?.(type, plain)) as T;
  }

  private parse(topic: string, bytes: Buffer): unknown {
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch (cause) {
      throw new DeserializationException(topic, this.isKey, bytes, cause);
    }
  }

  private typeFor(headers: Headers): Class | undefined {
    const id = this.useTypeHeaders ? headers.text(this.isKey ? KEY_TYPE_ID_HEADER : TYPE_ID_HEADER) : undefined;
    return (id === undefined ? undefined : this.types.typeOf(id)) ?? this.defaultType;
  }
}

function flag(value: unknown, otherwise: boolean): boolean {
  if (value === undefined || value === null) return otherwise;
  return String(value).toLowerCase() === 'true';
}
