/**
 * What goes into a constructor parameter, a parameter of a `@Bean` method, or a property: `@Inject` and `@Qualifier` (a bean by name or
 * class), `@InjectAll` (every bean of a class, as an array), `@Value` (a setting). They write metadata and nothing else.
 */
import { decoratorError, describeMember } from './decorator-target.ts';
import {
  type AnyClass,
  type Injection,
  type Member,
  type Token,
  type ValueType,
  writeParameter,
  writeProperty,
} from './metadata.ts';

type InjectionDecorator = (target: object, member: Member | undefined, index?: number) => void;

/**
 * @param token bean name, symbol or class; without it the declared type is used.
 * @param options `optional: true`: undefined instead of a failed start when there is no such bean.
 */
export function Inject(...given: [token?: Token, options?: { optional?: boolean }]): InjectionDecorator {
  const [token, options = {}] = given;
  const isUndefinedArgument = token === undefined && given.length === 1;
  return (target, member, index) => {
    if (isUndefinedArgument) {
      throw decoratorError(
        'Inject',
        describeMember(target, member, index),
        'its argument is undefined; that is what a circular import looks like. Inject by name instead: @Inject("beanName")',
      );
    }
    write('Inject', target, member, index, { kind: 'token', token, isOptional: options.optional ?? false });
  };
}

/** Picks one of several beans of the declared type by its name. */
export function Qualifier(name: string): InjectionDecorator {
  return (target, member, index) => {
    if (typeof name !== 'string' || name === '') {
      throw decoratorError('Qualifier', describeMember(target, member, index), 'it needs the name of a bean');
    }
    write('Qualifier', target, member, index, { kind: 'token', token: name, isOptional: false });
  };
}

/** Every bean of the class, ordered by `@Order`, then as they were declared; an empty array when there is none. */
export function InjectAll(type: AnyClass): InjectionDecorator {
  return (target, member, index) => {
    if (typeof type !== 'function') {
      throw decoratorError('InjectAll', describeMember(target, member, index), 'it needs a class (circular import?)');
    }
    write('InjectAll', target, member, index, { kind: 'all', type });
  };
}

/**
 * A setting: text with placeholders, `@Value('${app.limit:10}')`, converted to the declared type (string, number, boolean, array).
 * @param expression `${key}` fails the start when the key has no value; `${key:default}` does not.
 * @param type another conversion: `'duration-ms'` (`30s` → 30000), `'bytes'` (`5MB`), `'list'`, or a function of the text.
 */
export function Value(expression: string, type?: ValueType): InjectionDecorator {
  return (target, member, index) => {
    const where = describeMember(target, member, index);
    if (typeof expression !== 'string')
      throw decoratorError('Value', where, `it needs a text such as \${app.limit:10}`);
    if (expression.includes('#{')) {
      throw decoratorError(
        'Value',
        where,
        `'${expression}' is an expression; only \${...} placeholders are known here`,
      );
    }
    write('Value', target, member, index, { kind: 'value', expression, type });
  };
}

function write(
  decorator: string,
  target: object,
  member: Member | undefined,
  index: number | undefined,
  injection: Injection,
): void {
  if (typeof index === 'number') {
    writeParameter(target, member, index, injection);
    return;
  }
  if (member === undefined)
    throw decoratorError(decorator, describeMember(target), 'it belongs on a parameter or a property');
  const where = describeMember(target, member);
  if (typeof target === 'function') throw decoratorError(decorator, where, 'a static property cannot be injected');
  if (typeof (target as Record<Member, unknown>)[member] === 'function') {
    throw decoratorError(decorator, where, 'it belongs on a parameter or a property, not on a method');
  }
  writeProperty(target, member, injection);
}
