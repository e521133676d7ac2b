/**
 * The list of every class that carries `@Service`, `@Component` or `@Configuration` in the modules loaded so far. A class enters when
 * its module is evaluated, so a class that is only imported as a type is not in it: import it for its value, name it in `components`,
 * or let `scan` load its folder. Kept on `globalThis` under a `Symbol.for` key: one list even with two copies of the package.
 */
import type { Class } from './metadata.ts';

const KEY = Symbol.for('springtide:component-registry');
const holder = globalThis as { [KEY]?: Set<Class> };
const registered = (holder[KEY] ??= new Set<Class>());

/** Called by the class decorators; the order of evaluation of modules is the order of the list. */
export function registerComponentClass(type: Class): void {
  registered.add(type);
}

/** A copy, in order of registration. */
export function registeredComponents(): Class[] {
  return [...registered];
}
