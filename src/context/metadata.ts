/**
 * The metadata that decorators leave behind, and the only functions that touch it. Keys are `Symbol.for(...)`, so that two copies of
 * the package in one tree still understand each other. Everything is kept as *own* metadata of the class that wrote it; readers
 * walk the prototype chain where inheritance is wanted.
 */
import 'reflect-metadata';

/** A class, abstract or not. The instance type is what `get` and `@Inject` answer with. */
export type Class<T = object> = abstract new (...args: never[]) => T;
/** A class whose constructor is private or protected, such as `Admin`: it can be asked for, though not made with `new`. */
export type ClosedClass<T = object> = Function & { readonly prototype: T };
export type AnyClass<T = object> = Class<T> | ClosedClass<T>;
export type Member = string | symbol;

/** What may be asked for by `@Inject`: a bean's class, its name, or the symbol that is its name. */
export type Token<T = unknown> = AnyClass<T & object> | string | symbol;

export type Stereotype = 'component' | 'service' | 'configuration';
export type ComponentMetadata = { stereotype: Stereotype; name: string | undefined };
/** `type` makes an instance or a simple converter of text; the names are those of `convertValue`. */
export type ValueType =
  | 'string'
  | 'number'
  | 'boolean'
  | 'list'
  | 'duration-ms'
  | 'bytes'
  | ((text: string) => unknown);

export type Injection =
  | { kind: 'token'; token: Token | undefined; isOptional: boolean }
  | { kind: 'all'; type: AnyClass }
  | { kind: 'value'; expression: string; type: ValueType | undefined };

export type BeanMetadata = {
  member: Member;
  name: string | undefined;
  type: AnyClass | undefined;
  destroyMethod: string | false | undefined;
};
export type SelectionMetadata = { profile?: string; isPrimary?: boolean; isLazy?: boolean; order?: number };

const COMPONENT = Symbol.for('springtide:component');
const BEANS = Symbol.for('springtide:beans');
const SELECTION = Symbol.for('springtide:selection');
const PARAMETERS = Symbol.for('springtide:parameters');
const PROPERTIES = Symbol.for('springtide:properties');
const POST_CONSTRUCT = Symbol.for('springtide:post-construct');
const PRE_DESTROY = Symbol.for('springtide:pre-destroy');

export function writeComponent(type: Class, component: ComponentMetadata): void {
  Reflect.defineMetadata(COMPONENT, component, type);
}

/** The component metadata the class itself carries; a subclass of a component is not one until it says so. */
export function readComponent(type: AnyClass): ComponentMetadata | undefined {
  return Reflect.getOwnMetadata(COMPONENT, type);
}

export function addBean(prototype: object, bean: BeanMetadata): void {
  ownList(BEANS, prototype).push(bean);
}

/** `@Bean` methods of the class and of the classes it extends, a redeclared member once, base classes first. */
export function readBeans(type: Class): BeanMetadata[] {
  const byMember = new Map<Member, BeanMetadata>();
  for (const prototype of prototypesOf(type)) {
    for (const bean of (Reflect.getOwnMetadata(BEANS, prototype) ?? []) as BeanMetadata[])
      byMember.set(bean.member, bean);
  }
  return [...byMember.values()];
}

/** `target` is the class (no member) or its prototype with the name of a `@Bean` method. */
export function writeSelection(target: object, member: Member | undefined, selection: SelectionMetadata): void {
  const merged = { ...readSelection(target, member), ...selection };
  if (member === undefined) Reflect.defineMetadata(SELECTION, merged, target);
  else Reflect.defineMetadata(SELECTION, merged, target, member);
}

export function readSelection(target: object, member?: Member): SelectionMetadata {
  const found =
    member === undefined ? Reflect.getOwnMetadata(SELECTION, target) : Reflect.getMetadata(SELECTION, target, member);
  return (found as SelectionMetadata | undefined) ?? {};
}

/** Constructor parameters when `member` is undefined (target: the class), else those of a method (target: the prototype). */
export function writeParameter(target: object, member: Member | undefined, index: number, injection: Injection): void {
  readOrCreateParameters(target, member).set(index, injection);
}

export function readParameters(target: object, member?: Member): ReadonlyMap<number, Injection> {
  const found =
    member === undefined ? Reflect.getOwnMetadata(PARAMETERS, target) : Reflect.getMetadata(PARAMETERS, target, member);
  return (found as Map<number, Injection> | undefined) ?? new Map<number, Injection>();
}

export function writeProperty(prototype: object, member: Member, injection: Injection): void {
  const own = Reflect.getOwnMetadata(PROPERTIES, prototype) as Map<Member, Injection> | undefined;
  const map = own ?? new Map<Member, Injection>();
  map.set(member, injection);
  Reflect.defineMetadata(PROPERTIES, map, prototype);
}

export function readProperties(type: Class): Map<Member, Injection> {
  const all = new Map<Member, Injection>();
  for (const prototype of prototypesOf(type)) {
    for (const [member, injection] of (Reflect.getOwnMetadata(PROPERTIES, prototype) ?? []) as Map<Member, Injection>) {
      all.set(member, injection);
    }
  }
  return all;
}

export function addLifecycleMethod(when: 'post-construct' | 'pre-destroy', prototype: object, member: Member): void {
  ownList(when === 'post-construct' ? POST_CONSTRUCT : PRE_DESTROY, prototype).push(member);
}

/** Base classes first; an overridden method once. */
export function readLifecycleMethods(when: 'post-construct' | 'pre-destroy', type: Class): Member[] {
  const key = when === 'post-construct' ? POST_CONSTRUCT : PRE_DESTROY;
  const members = new Set<Member>();
  for (const prototype of prototypesOf(type)) {
    for (const member of (Reflect.getOwnMetadata(key, prototype) ?? []) as Member[]) members.add(member);
  }
  return [...members];
}

/** What the compiler emitted for parameters: undefined when it emitted nothing. */
export function readParameterTypes(target: object, member?: Member): unknown[] | undefined {
  return member === undefined
    ? (Reflect.getOwnMetadata('design:paramtypes', target) as unknown[] | undefined)
    : (Reflect.getMetadata('design:paramtypes', target, member) as unknown[] | undefined);
}

export function readPropertyType(prototype: object, member: Member): unknown {
  return Reflect.getMetadata('design:type', prototype, member);
}

export function readReturnType(prototype: object, member: Member): unknown {
  return Reflect.getMetadata('design:returntype', prototype, member);
}

function readOrCreateParameters(target: object, member: Member | undefined): Map<number, Injection> {
  const own = (
    member === undefined
      ? Reflect.getOwnMetadata(PARAMETERS, target)
      : Reflect.getOwnMetadata(PARAMETERS, target, member)
  ) as Map<number, Injection> | undefined;
  if (own !== undefined) return own;
  const created = new Map<number, Injection>();
  if (member === undefined) Reflect.defineMetadata(PARAMETERS, created, target);
  else Reflect.defineMetadata(PARAMETERS, created, target, member);
  return created;
}

function ownList<T>(key: symbol, target: object): T[] {
  const own = Reflect.getOwnMetadata(key, target) as T[] | undefined;
  if (own !== undefined) return own;
  const created: T[] = [];
  Reflect.defineMetadata(key, created, target);
  return created;
}

function prototypesOf(type: Class): object[] {
  const chain: object[] = [];
  for (let prototype = type.prototype; prototype && prototype !== Object.prototype; ) {
    chain.unshift(prototype);
    prototype = Object.getPrototypeOf(prototype);
  }
  return chain;
}
