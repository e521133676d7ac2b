/**
 * Component classes → bean definitions: reads what the decorators and the compiler left, finds out what each parameter and property
 * needs, and explains the cases in which nobody can know (no metadata emitted, an interface, a circular import).
 */
import type { BeanDefinition, Dependency } from './bean-definition.ts';
import { describeMember } from './decorator-target.ts';
import type { Environment } from './environment.ts';
import type { BeanMetadata, Class, Injection, Member, ValueType } from './metadata.ts';
import * as metadata from './metadata.ts';
import { parseProfileExpression } from './profiles.ts';
import { StartupFailure } from './startup-failure.ts';

/** The definition of the class and those of its `@Bean` methods; none when its profile is not active. */
export function definitionsOf(type: Class, environment: Environment): BeanDefinition[] {
  if (!isProfileAccepted(metadata.readSelection(type), environment)) return [];
  const component = componentDefinition(type);
  const beans = metadata.readBeans(type).filter((bean) => {
    return isProfileAccepted(metadata.readSelection(type.prototype, bean.member), environment);
  });
  return [component, ...beans.map((bean) => beanMethodDefinition(type, component.name, bean))];
}

/** `OrderService` → `orderService`; `URLParser` keeps its capitals, as in Java. */
export function beanNameOf(type: Class): string {
  const given = metadata.readComponent(type)?.name;
  if (given !== undefined) return given;
  return /^[A-Z]{2}/.test(type.name) ? type.name : type.name[0].toLowerCase() + type.name.slice(1);
}

function componentDefinition(type: Class): BeanDefinition<object> {
  const parameters = parameterDependencies(type, undefined, type.length);
  const properties = propertyDependencies(type);
  const construct = type as unknown as new (...args: unknown[]) => Record<Member, unknown>;
  return {
    name: beanNameOf(type),
    type,
    dependencies: [...parameters, ...properties.map(([, dependency]) => dependency)],
    create: (...args: unknown[]) => {
      const instance = new construct(...args.slice(0, parameters.length));
      properties.forEach(([member], index) => {
        instance[member] = args[parameters.length + index];
      });
      return instance;
    },
    ...lifecycleOf(type),
    ...metadata.readSelection(type),
    origin: `class ${type.name}`,
  };
}

function beanMethodDefinition(owner: Class, ownerName: string | symbol, bean: BeanMetadata): BeanDefinition<object> {
  const prototype = owner.prototype as Record<Member, (...args: unknown[]) => object>;
  const parameters = parameterDependencies(prototype, bean.member, prototype[bean.member].length);
  const origin = `method ${owner.name}.${String(bean.member)}`;
  const type = bean.type ?? returnTypeOf(prototype, bean.member);
  return {
    name: bean.name ?? bean.member,
    type,
    dependencies: [{ kind: 'name', name: ownerName, type: owner, isOptional: false, where: origin }, ...parameters],
    create: async (configuration: Record<Member, (...args: unknown[]) => object>, ...args: unknown[]) => {
      const instance = await configuration[bean.member](...args);
      if (instance !== undefined && instance !== null) return instance;
      throw new StartupFailure(`The @Bean ${origin} returned ${instance}.`, { action: 'Return the bean.' });
    },
    initialize: (instance) => callMethods('post-construct', instance),
    destroy: (instance) => destroyBean(instance, bean.destroyMethod, origin),
    ...metadata.readSelection(prototype, bean.member),
    origin,
  };
}

function isProfileAccepted(selection: metadata.SelectionMetadata, environment: Environment): boolean {
  if (selection.profile === undefined) return true;
  const expression = parseProfileExpression(selection.profile);
  return typeof expression !== 'string' && expression((profile) => environment.acceptsProfile(profile));
}

function parameterDependencies(target: object, member: Member | undefined, declaredCount: number): Dependency[] {
  const injections = metadata.readParameters(target, member);
  const types = metadata.readParameterTypes(target, member);
  const explicitCount = Math.max(-1, ...injections.keys()) + 1;
  const count = Math.max(declaredCount, types?.length ?? 0, explicitCount);
  return Array.from({ length: count }, (_, index) => {
    const where = describeMember(target, member, index);
    return dependencyOf(injections.get(index), types?.[index], where, types !== undefined);
  });
}

function propertyDependencies(type: Class): [Member, Dependency][] {
  return [...metadata.readProperties(type)].map(([member, injection]) => {
    const emitted = metadata.readPropertyType(type.prototype, member);
    return [member, dependencyOf(injection, emitted, describeMember(type.prototype, member), emitted !== undefined)];
  });
}

function dependencyOf(
  injection: Injection | undefined,
  emitted: unknown,
  where: string,
  isEmitted: boolean,
): Dependency {
  if (injection?.kind === 'value') {
    return { kind: 'value', expression: injection.expression, type: injection.type ?? valueTypeOf(emitted), where };
  }
  if (injection?.kind === 'all') return { kind: 'all', type: injection.type, where };
  const isOptional = injection?.isOptional ?? false;
  const token = injection?.token;
  if (typeof token === 'function') return { kind: 'type', type: token, isOptional, where };
  const type = isBeanClass(emitted) ? emitted : undefined;
  if (token !== undefined) return { kind: 'name', name: token, type, isOptional, where };
  if (type !== undefined) return { kind: 'type', type, isOptional, where };
  throw typeFailure(where, emitted, isEmitted);
}

const NOT_BEANS: readonly unknown[] = [Object, String, Number, Boolean, Array, Function, Promise, Symbol, BigInt];

function isBeanClass(emitted: unknown): emitted is Class {
  return typeof emitted === 'function' && !NOT_BEANS.includes(emitted);
}

function returnTypeOf(prototype: object, member: Member): Class | undefined {
  const emitted = metadata.readReturnType(prototype, member);
  return isBeanClass(emitted) ? emitted : undefined;
}

function valueTypeOf(emitted: unknown): ValueType {
  if (emitted === Number) return 'number';
  if (emitted === Boolean) return 'boolean';
  return emitted === Array ? 'list' : 'string';
}

function typeFailure(where: string, emitted: unknown, isEmitted: boolean): StartupFailure {
  if (!isEmitted) {
    return new StartupFailure(`The type of ${where} is not known: the compiler emitted no types for it.`, {
      action:
        'Compile with "experimentalDecorators" and "emitDecoratorMetadata" (tsc or swc; tsx, esbuild and type stripping cannot), ' +
        'decorate the class with @Service, @Component or @Configuration, or name the bean: @Inject("name").',
    });
  }
  if (emitted === undefined) {
    return new StartupFailure(`The type of ${where} is undefined when its class is defined.`, {
      action:
        'Two modules import each other, or the class is imported with "import type". Import the class itself and break the circle, ' +
        'or name the bean: @Inject("name").',
    });
  }
  if (emitted === Object || emitted === Function) {
    return new StartupFailure(
      `The type of ${where} is an interface, a union, a type alias, or imported with "import type".`,
      {
        action:
          'Such types do not exist at run time. Declare a class there (imported without "type"), or name the bean: @Inject("name").',
      },
    );
  }
  return new StartupFailure(
    `${where[0].toUpperCase()}${where.slice(1)} is a ${(emitted as Class).name}, which cannot be injected by type.`,
    {
      action: `Write @Value("\${key:default}") for a setting, @InjectAll(Class) for all beans of a class, or @Inject("name").`,
    },
  );
}

function lifecycleOf(type: Class): Pick<BeanDefinition<object>, 'initialize' | 'destroy'> {
  return {
    initialize: (instance) => callMethods('post-construct', instance),
    destroy: (instance) => destroyBean(instance, undefined, `class ${type.name}`),
  };
}

async function callMethods(when: 'post-construct' | 'pre-destroy', instance: object): Promise<void> {
  if (typeof instance !== 'object') return;
  for (const member of metadata.readLifecycleMethods(when, instance.constructor as Class)) {
    await (instance as Record<Member, () => unknown>)[member]();
  }
}

/** `@PreDestroy` methods if there are any; else the named method; else what usually ends a thing. */
async function destroyBean(instance: object, method: string | false | undefined, origin: string): Promise<void> {
  const type = instance.constructor as Class | undefined;
  if (type !== undefined && metadata.readLifecycleMethods('pre-destroy', type).length > 0) {
    await callMethods('pre-destroy', instance);
  }
  if (method === false) return;
  const members = instance as Record<Member, unknown>;
  if (method !== undefined) {
    if (typeof members[method] !== 'function') throw new TypeError(`${origin}: the bean has no method '${method}'`);
    await (members[method] as () => unknown).call(instance);
    return;
  }
  const inferred = [Symbol.asyncDispose, Symbol.dispose].find((symbol) => typeof members[symbol] === 'function');
  if (inferred !== undefined) await (members[inferred] as () => unknown).call(instance);
  else if (origin.startsWith('method ') && typeof members.close === 'function')
    await (members.close as () => unknown).call(instance);
}
