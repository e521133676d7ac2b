/**
 * Who gets what: from all definitions, the ones that count (automatic beans step back), which definition answers each dependency, and
 * the order of creation (dependencies first, else as declared). Everything that can be wrong without making a single bean is found
 * here: missing beans, several candidates, duplicate names, circles. Pure.
 */
import { type BeanDefinition, type Dependency, describeBean, describeToken, isAssignable } from './bean-definition.ts';
import type { AnyClass, Token } from './metadata.ts';
import { StartupFailure } from './startup-failure.ts';

export type PlannedBean = {
  definition: BeanDefinition;
  /** One entry per dependency: the beans that answer it (one, several for `all`, none for values and absent optional ones). */
  answers: readonly (readonly BeanDefinition[])[];
};

export class BeanPlan {
  readonly #definitions: readonly BeanDefinition[];
  /** Dependencies before dependents. */
  readonly order: readonly PlannedBean[];

  /** @throws StartupFailure that names the beans concerned. */
  constructor(definitions: readonly BeanDefinition[], hint: (type: AnyClass) => string | undefined = () => undefined) {
    this.#definitions = withoutYielding(definitions);
    this.#hint = hint;
    refuseDuplicates(this.#definitions);
    this.order = this.#inOrder();
  }

  readonly #hint: (type: AnyClass) => string | undefined;

  /** Every definition that answers to the token, ordered by `order`, then as declared. */
  candidates(token: Token): BeanDefinition[] {
    const found = this.#definitions.filter((definition) =>
      typeof token === 'function'
        ? isAssignable(definition.type, token)
        : definition.name === token || (definition.aliases ?? []).includes(token),
    );
    return found.sort((a, b) => (a.order ?? Number.MAX_VALUE) - (b.order ?? Number.MAX_VALUE));
  }

  /** The one definition for the token; undefined when there is none. @throws StartupFailure when several qualify. */
  select(token: Token, where: string): BeanDefinition | undefined {
    const candidates = this.candidates(token);
    if (candidates.length <= 1) return candidates[0];
    const primary = candidates.filter((candidate) => candidate.isPrimary === true);
    if (primary.length === 1) return primary[0];
    const exact = candidates.filter((candidate) => candidate.type === token);
    if (primary.length === 0 && exact.length === 1) return exact[0];
    throw new StartupFailure(
      `${where} needs one bean of ${describeToken(token)}, but there are ${candidates.length}:`,
      {
        details: candidates.map((candidate) => ['-', describeBean(candidate)] as const),
        action: 'Mark one of them @Primary(), or pick one by name: @Inject("name").',
      },
    );
  }

  missing(token: Token, where: string): StartupFailure {
    const hint = typeof token === 'function' ? this.#hint(token) : undefined;
    const untyped = this.#definitions.filter(
      (definition) => definition.type === undefined && typeof token === 'function',
    );
    const details = untyped.map((definition) => ['Bean of unknown class', describeBean(definition)] as const);
    const advice =
      untyped.length > 0
        ? ' If one of the beans above is meant, tell its class: @Bean({ type: ... }), or inject it by name.'
        : '';
    return new StartupFailure(
      `${where} needs a bean ${typeof token === 'function' ? 'of' : 'named'} ${describeToken(token)} that does not exist.`,
      {
        details,
        action:
          (hint ??
            'Declare it: a class with @Service() or @Component(), or a @Bean() method in a @Configuration() class.') +
          advice,
      },
    );
  }

  #answer(dependency: Dependency): BeanDefinition[] {
    if (dependency.kind === 'value') return [];
    if (dependency.kind === 'all') return this.candidates(dependency.type);
    const token = dependency.kind === 'type' ? dependency.type : dependency.name;
    const found = this.select(token as Token, dependency.where);
    if (found !== undefined) {
      if (dependency.kind === 'name') refuseOtherClass(dependency, found);
      return [found];
    }
    if (dependency.isOptional) return [];
    throw this.missing(token as Token, dependency.where);
  }

  #inOrder(): PlannedBean[] {
    const order: PlannedBean[] = [];
    const state = new Map<BeanDefinition, 'open' | 'done'>();
    const path: BeanDefinition[] = [];
    const visit = (definition: BeanDefinition): void => {
      if (state.get(definition) === 'done') return;
      if (state.get(definition) === 'open') throw circleFailure([...path.slice(path.indexOf(definition)), definition]);
      state.set(definition, 'open');
      path.push(definition);
      const answers = (definition.dependencies ?? []).map((dependency) => this.#answer(dependency));
      for (const answer of answers.flat()) visit(answer);
      path.pop();
      state.set(definition, 'done');
      order.push({ definition, answers });
    };
    for (const definition of this.#definitions) visit(definition);
    return order;
  }
}

/** An automatic bean goes when another bean has its class (or, as it asks, its name). */
function withoutYielding(definitions: readonly BeanDefinition[]): BeanDefinition[] {
  const firm = definitions.filter((definition) => definition.yieldsTo === undefined);
  const yields = (definition: BeanDefinition): boolean =>
    firm.some((other) => {
      if (other.name === definition.name) return true;
      return (
        definition.yieldsTo === 'type' && definition.type !== undefined && isAssignable(other.type, definition.type)
      );
    });
  return definitions.filter((definition) => definition.yieldsTo === undefined || !yields(definition));
}

function refuseDuplicates(definitions: readonly BeanDefinition[]): void {
  const byName = new Map<string | symbol, BeanDefinition>();
  for (const definition of definitions) {
    for (const name of [definition.name, ...(definition.aliases ?? [])]) {
      const earlier = byName.get(name);
      if (earlier !== undefined) throw duplicateFailure(name, earlier, definition);
      byName.set(name, definition);
    }
  }
}

function duplicateFailure(name: string | symbol, first: BeanDefinition, second: BeanDefinition): StartupFailure {
  return new StartupFailure(`Two beans are named '${String(name)}': ${first.origin} and ${second.origin}.`, {
    action: 'Give one of them another name: @Service("otherName") or @Bean("otherName").',
  });
}

function refuseOtherClass(dependency: Extract<Dependency, { kind: 'name' }>, found: BeanDefinition): void {
  if (dependency.type === undefined || found.type === undefined || isAssignable(found.type, dependency.type)) return;
  throw new StartupFailure(
    `${dependency.where} is a ${dependency.type.name}, but the bean ${describeBean(found)} is a ${found.type.name}.`,
    { action: 'Name another bean, or change the declared type.' },
  );
}

function circleFailure(circle: readonly BeanDefinition[]): StartupFailure {
  const lines = circle.slice(0, -1).map((definition, index) => {
    const edge = index === 0 ? '┌─────┐\n' : '↑     ↓\n';
    return `${edge}|  ${describeBean(definition)}`;
  });
  const drawing = [...lines, '└─────┘'].join('\n');
  return new StartupFailure(`Some beans need each other in a circle:\n\n${drawing}`, {
    action:
      'Move what both sides need into a third bean, or let one side ask for the other when it is used: inject ApplicationContext and call get().',
  });
}
