/**
 * class-transformer and class-validator as the transformer and validator of `#message`. Both are peer dependencies and loaded only when
 * they can matter: class-validator alone costs 117 ms and 12 MB, so it is loaded when the application has loaded it itself, which it
 * must have done to decorate a payload class.
 */
import { KafkaError } from '#core';
import type { PayloadTransformer, PayloadValidator, ValidationError } from '#message';

type Constructor = abstract new (...args: never[]) => unknown;

/** Undefined when class-transformer is not installed. */
export async function loadTransformer(): Promise<PayloadTransformer | undefined> {
  const library = await optional(() => import('class-transformer'));
  if (library === undefined) return undefined;
  return {
    toInstance: (type, plain) => library.plainToInstance(type as unknown as new () => unknown, plain),
  };
}

/** Undefined when nobody has loaded class-validator: then no class has rules. */
export async function loadValidator(): Promise<PayloadValidator | undefined> {
  if (!('classValidatorMetadataStorage' in globalThis)) return undefined;
  const library = await optional(() => import('class-validator'));
  if (library === undefined) return undefined;
  const hasRules = new WeakMap<object, boolean>();
  const storage = library.getMetadataStorage();
  const rulesOf = (type: Constructor): boolean =>
    storage.getTargetValidationMetadatas(type as unknown as () => unknown, '', false, false).length > 0;
  return {
    validate(instance) {
      const type = instance.constructor as Constructor;
      let isRuled = hasRules.get(type);
      if (isRuled === undefined) hasRules.set(type, (isRuled = rulesOf(type)));
      return isRuled ? library.validateSync(instance).flatMap((error) => flatten(error, '')) : [];
    },
  };
}

/** What class-validator answers with, as far as it is read here. */
type BrokenProperty = { property: string; constraints?: Record<string, string>; children?: BrokenProperty[] };

/** Nested errors → one path each: `lines[0].price`. */
function flatten({ property, constraints, children }: BrokenProperty, parent: string): ValidationError[] {
  const path = /^\d+$/.test(property) ? `${parent}[${property}]` : parent === '' ? property : `${parent}.${property}`;
  const own = Object.values(constraints ?? {}).map((message) => ({ property: path, message }));
  return [...own, ...(children ?? []).flatMap((child) => flatten(child, path))];
}

async function optional<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined;
    throw new KafkaError('ILLEGAL_STATE', `a payload library cannot be loaded: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
