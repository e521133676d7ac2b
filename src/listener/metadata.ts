/**
 * The metadata that this room's decorators leave on classes, and the only functions that touch it. Keys are `Symbol.for`, so
 * that two copies of the package in one tree understand each other.
 */
import 'reflect-metadata';
import type { Class } from '#serde';
import type { KafkaListenerAttributes, ParameterMark, ReplyTopic } from './attributes.ts';

export type Member = string | symbol;

const LISTENERS = Symbol.for('springtide:kafka-listeners');
const HANDLERS = Symbol.for('springtide:kafka-handlers');
const REPLY = Symbol.for('springtide:send-to');
const MARKS = Symbol.for('springtide:listener-parameters');

const CLASSES = Symbol.for('springtide:listener-classes');
const holder = globalThis as { [CLASSES]?: Set<Class> };
const classes = (holder[CLASSES] ??= new Set<Class>());

type ByMember<T> = Map<Member, T>;

/** Adds a listener in front: decorators run bottom-up, the list keeps the order of the source. */
export function addListener(target: object, member: Member | undefined, attributes: KafkaListenerAttributes): void {
  classes.add((member === undefined ? target : target.constructor) as Class);
  if (member === undefined) own<KafkaListenerAttributes[]>(LISTENERS, target, () => []).unshift(attributes);
  else
    listOf(
      own<ByMember<KafkaListenerAttributes[]>>(LISTENERS, target, () => new Map()),
      member,
    ).unshift(attributes);
}

/** A copy, in order of decoration. */
export function decoratedClasses(): Class[] {
  return [...classes];
}

export function addHandler(prototype: object, member: Member, isDefault: boolean): void {
  own<ByMember<boolean>>(HANDLERS, prototype, () => new Map()).set(member, isDefault);
}

export function writeReplyTopic(target: object, member: Member | undefined, topic: ReplyTopic): void {
  if (member === undefined) Reflect.defineMetadata(REPLY, topic, target);
  else Reflect.defineMetadata(REPLY, topic, target, member);
}

export function writeMark(prototype: object, member: Member, index: number, mark: ParameterMark): boolean {
  const marks = own<ByMember<Map<number, ParameterMark>>>(MARKS, prototype, () => new Map());
  let ofMember = marks.get(member);
  if (ofMember === undefined) marks.set(member, (ofMember = new Map()));
  if (ofMember.has(index)) return false;
  ofMember.set(index, mark);
  return true;
}

/** Method-level listeners of the class and what it extends; a redeclared member counts once, with the nearest declaration. */
export function methodListeners(type: Class): ReadonlyMap<Member, readonly KafkaListenerAttributes[]> {
  return merged<KafkaListenerAttributes[]>(LISTENERS, type);
}

/** Class-level listeners, the nearest class's. */
export function classListeners(type: Class): readonly KafkaListenerAttributes[] {
  return (Reflect.getMetadata(LISTENERS, type) as KafkaListenerAttributes[] | undefined) ?? [];
}

/** `@KafkaHandler` methods, and whether each is the default. */
export function handlerMembers(type: Class): ReadonlyMap<Member, boolean> {
  return merged<boolean>(HANDLERS, type);
}

/** The reply topic of a method: its own `@SendTo`, else the class's. */
export function replyTopicOf(type: Class, member: Member): ReplyTopic | undefined {
  const prototype = type.prototype as object;
  return (Reflect.getMetadata(REPLY, prototype, member) ?? Reflect.getMetadata(REPLY, type)) as ReplyTopic | undefined;
}

export function parameterMarks(type: Class, member: Member): ReadonlyMap<number, ParameterMark> {
  return merged<Map<number, ParameterMark>>(MARKS, type).get(member) ?? new Map();
}

/** The classes that the compiler emitted for a method's parameters; undefined when it emitted nothing. */
export function parameterTypes(type: Class, member: Member): (Class | undefined)[] | undefined {
  return Reflect.getMetadata('design:paramtypes', type.prototype as object, member) as
    | (Class | undefined)[]
    | undefined;
}

function merged<T>(key: symbol, type: Class): ByMember<T> {
  const all: ByMember<T> = new Map();
  for (const prototype of prototypesOf(type)) {
    const ofClass = Reflect.getOwnMetadata(key, prototype) as ByMember<T> | undefined;
    for (const [member, value] of ofClass ?? []) all.set(member, value);
  }
  return all;
}

/** Base classes first. */
function prototypesOf(type: Class): object[] {
  const chain: object[] = [];
  let prototype = type.prototype as object | null;
  for (; prototype !== null && prototype !== Object.prototype; prototype = Object.getPrototypeOf(prototype))
    chain.unshift(prototype);
  return chain;
}

function own<T>(key: symbol, target: object, make: () => T): T {
  let value = Reflect.getOwnMetadata(key, target) as T | undefined;
  if (value === undefined) Reflect.defineMetadata(key, (value = make()), target);
  return value;
}

function listOf<T>(map: ByMember<T[]>, member: Member): T[] {
  let list = map.get(member);
  if (list === undefined) map.set(member, (list = []));
  return list;
}
