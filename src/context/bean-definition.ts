/**
 * A bean before it exists: its name and class, what it needs, and how to make, start and end it. Component classes and `@Bean` methods
 * become definitions (`component-definitions.ts`); `app/` writes them by hand.
 */
import type { AnyClass, Token, ValueType } from './metadata.ts';

/** What goes into one parameter or property. `where` is for error texts: "parameter 0 of the constructor of Orders". */
export type Dependency = { where: string } & (
  | { kind: 'type'; type: AnyClass; isOptional: boolean }
  | { kind: 'name'; name: string | symbol; type: AnyClass | undefined; isOptional: boolean }
  | { kind: 'all'; type: AnyClass }
  | { kind: 'value'; expression: string; type: ValueType }
);

export interface BeanDefinition<T = unknown> {
  /** Unique in the context. */
  name: string | symbol;
  /** Other names by which it is found. */
  aliases?: readonly (string | symbol)[];
  /** The class it is injected by; undefined: by name only, until the instance tells. */
  type: AnyClass | undefined;
  /** In the order in which `create` takes them. */
  dependencies?: readonly Dependency[];
  create(...dependencies: never[]): T | Promise<T>;
  /** Awaited after `create` and before anybody gets the bean (`@PostConstruct`). */
  initialize?(instance: T): void | Promise<void>;
  /** Awaited at close, in reverse order of creation (`@PreDestroy`). */
  destroy?(instance: T): void | Promise<void>;
  isPrimary?: boolean;
  isLazy?: boolean;
  order?: number;
  /** An automatic bean steps back for another bean of the same type, or only for one of the same name. */
  yieldsTo?: 'type' | 'name';
  /** Where it comes from, for error texts: "class Orders", "method AppConfig.clock", "auto-configuration". */
  origin: string;
}

/** A dependency on the bean with this class, or with this name. */
export function dependsOn(token: Token, where: string, isOptional = false): Dependency {
  return typeof token === 'function'
    ? { kind: 'type', type: token, isOptional, where }
    : { kind: 'name', name: token, type: undefined, isOptional, where };
}

export function describeToken(token: Token): string {
  return typeof token === 'function' ? token.name : `'${String(token)}'`;
}

export function describeBean(definition: BeanDefinition): string {
  return `'${String(definition.name)}' (${definition.origin})`;
}

/** Whether a bean of class `type` may go where `wanted` is asked for. */
export function isAssignable(type: AnyClass | undefined, wanted: AnyClass): boolean {
  return type !== undefined && (type === wanted || type.prototype instanceof wanted);
}
