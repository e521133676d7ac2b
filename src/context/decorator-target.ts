/** Checks and words shared by all decorators of this room: every complaint names the decorator, the class and the member. */
import { cutStack } from '#core';
import type { Class, Member } from './metadata.ts';

export function decoratorError(decorator: string, where: string, problem: string): TypeError {
  return cutStack(new TypeError(`@${decorator} on ${where}: ${problem}`));
}

/** "class Orders", "Orders.place", "parameter 1 of Orders.place", "parameter 0 of the constructor of Orders". */
export function describeMember(target: object, member?: Member, index?: number): string {
  const className = typeof target === 'function' ? target.name : (target.constructor?.name ?? 'unknown');
  if (index !== undefined) {
    const callee = member === undefined ? `the constructor of ${className}` : `${className}.${String(member)}`;
    return `parameter ${index} of ${callee}`;
  }
  return member === undefined ? `class ${className}` : `${className}.${String(member)}`;
}

export function requireClass(decorator: string, target: unknown): asserts target is Class {
  if (typeof target !== 'function') throw new TypeError(`@${decorator} belongs on a class`);
}

/** Instance methods only: a static member has no bean to belong to. */
export function requireMethod(
  decorator: string,
  target: object,
  member: Member,
  descriptor?: PropertyDescriptor,
): void {
  const where = describeMember(target, member);
  if (typeof target === 'function') throw decoratorError(decorator, where, 'a static method cannot carry it');
  if (descriptor !== undefined && typeof descriptor.value !== 'function') {
    throw decoratorError(decorator, where, 'it belongs on a method');
  }
}
