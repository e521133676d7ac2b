/**
 * Class decorators: what a class is (`@Component`, `@Service`, `@Configuration`) and when it counts (`@Profile`, `@Primary`, `@Lazy`,
 * `@Order`; these four also on `@Bean` methods). They write metadata, put the class on the component registry, and do nothing else.
 */
import { registerComponentClass } from './component-registry.ts';
import { decoratorError, describeMember, requireClass } from './decorator-target.ts';
import { type Class, type Member, readComponent, type Stereotype, writeComponent, writeSelection } from './metadata.ts';
import { parseProfileExpression } from './profiles.ts';

type ComponentDecorator = (target: Class) => void;
type SelectionDecorator = (target: object, member?: Member, descriptor?: PropertyDescriptor) => void;

/**
 * A singleton bean made by its constructor, whose parameters are injected by type.
 * @param name bean name; by default the class name with a small first letter.
 */
export function Component(name?: string): ComponentDecorator {
  return stereotype('component', name);
}

/** `@Component` for business logic; the difference is for readers. */
export function Service(name?: string): ComponentDecorator {
  return stereotype('service', name);
}

/** A component whose `@Bean` methods make further beans. */
export function Configuration(name?: string): ComponentDecorator {
  return stereotype('configuration', name);
}

/**
 * The bean exists only when the expression holds for the active profiles.
 * @param expressions profile names, or expressions with `!`, `&`, `|` and brackets; several mean "any of them".
 */
export function Profile(...expressions: string[]): SelectionDecorator {
  return (target, member) => {
    const where = describeMember(target, member);
    if (expressions.length === 0) throw decoratorError('Profile', where, 'names no profile');
    for (const expression of expressions) {
      const parsed = parseProfileExpression(expression);
      if (typeof parsed === 'string') throw decoratorError('Profile', where, parsed);
    }
    writeSelection(target, member, { profile: expressions.map((e) => `(${e})`).join(' | ') });
  };
}

/** Among several beans of one type, the one that is injected when no name is given. */
export function Primary(): SelectionDecorator {
  return (target, member) => writeSelection(target, member, { isPrimary: true });
}

/** Made when first asked for, instead of at start. */
export function Lazy(): SelectionDecorator {
  return (target, member) => writeSelection(target, member, { isLazy: true });
}

/** Place among beans of one type in `getAll` and `@InjectAll`: smaller first; beans without it come last. */
export function Order(value: number): SelectionDecorator {
  return (target, member) => {
    if (!Number.isFinite(value))
      throw decoratorError('Order', describeMember(target, member), `'${value}' is no number`);
    writeSelection(target, member, { order: value });
  };
}

function stereotype(kind: Stereotype, name: string | undefined): ComponentDecorator {
  const decorator = `${kind[0].toUpperCase()}${kind.slice(1)}`;
  if (typeof name === 'function') throw new TypeError(`@${decorator} is written with brackets: @${decorator}()`);
  return (target) => {
    requireClass(decorator, target);
    if (name !== undefined && name.trim() === '')
      throw decoratorError(decorator, `class ${target.name}`, 'the name is empty');
    const earlier = readComponent(target);
    if (earlier !== undefined) {
      throw decoratorError(
        decorator,
        `class ${target.name}`,
        `the class already is a @${earlier.stereotype}; keep one of the two`,
      );
    }
    writeComponent(target, { stereotype: kind, name });
    registerComponentClass(target);
  };
}
