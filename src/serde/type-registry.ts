/**
 * The names under which classes travel in type headers (`__TypeId__`). Java resolves any class name it trusts; here only
 * registered classes exist, so that no record can make a program load or construct something it did not expect. Java
 * peers' names are registered as they are: `types.register('com.acme.Order', Order)`.
 */
import { KafkaError } from '#core';

/** A class, by its constructor. */
// biome-ignore lint/suspicious/noExplicitAny: a constructor type that accepts every class needs `any` arguments.
export type Class<T = object> = abstract new (...args: any[]) => T;

export class TypeRegistry {
  private readonly types = new Map<string, Class>();
  private readonly ids = new Map<Class, string>();

  /**
   * Registers `type` under `id`. Several ids may name one class (the first is the one written); one id names one class.
   * @throws KafkaError INVALID_CONFIG when `id` already names another class.
   */
  register(id: string, type: Class): this {
    const known = this.types.get(id);
    if (known !== undefined && known !== type) {
      const text = `type id ${id} is already the class ${known.name}; give ${type.name} another id`;
      throw new KafkaError('INVALID_CONFIG', text);
    }
    this.types.set(id, type);
    if (!this.ids.has(type)) this.ids.set(type, id);
    return this;
  }

  /** The class registered under `id`. */
  typeOf(id: string): Class | undefined {
    return this.types.get(id);
  }

  /** The id under which the exact class of `value` is registered. */
  idOf(value: unknown): string | undefined {
    if (typeof value !== 'object' || value === null) return undefined;
    return this.ids.get(value.constructor as Class);
  }

  has(type: Class): boolean {
    return this.ids.has(type);
  }
}

/** The registry that JSON (de)serializers and listeners use when no other is handed in. */
export const defaultTypes = new TypeRegistry();

/** Spring's header names for type ids. */
export const TYPE_ID_HEADER = '__TypeId__';
export const KEY_TYPE_ID_HEADER = '__Key_TypeId__';
