/** Method decorators: `@Bean` on methods of a `@Configuration`, `@PostConstruct` and `@PreDestroy` on methods of any bean. */
import { decoratorError, describeMember, requireMethod } from './decorator-target.ts';
import { type AnyClass, addBean, addLifecycleMethod, type Member } from './metadata.ts';

type MethodDecorator = (target: object, member: Member, descriptor?: PropertyDescriptor) => void;

export type BeanOptions = {
  /** Bean name; by default the name of the method. */
  name?: string;
  /** The bean's class, where the return type cannot tell: async methods, interfaces. Without it such a bean is injected by name. */
  type?: AnyClass;
  /** Method of the bean that is awaited when the context closes; by default `Symbol.asyncDispose` or `close` if it has one; `false`: none. */
  destroyMethod?: string | false;
};

/** The method's result is a singleton bean; its parameters are injected as a constructor's are. It may be async. */
export function Bean(options: BeanOptions | string = {}): MethodDecorator {
  const given = typeof options === 'string' ? { name: options } : options;
  return (target, member, descriptor) => {
    requireMethod('Bean', target, member, descriptor);
    if ('type' in given && typeof given.type !== 'function') {
      throw decoratorError('Bean', describeMember(target, member), 'option `type` is not a class (circular import?)');
    }
    addBean(target, { member, name: given.name, type: given.type, destroyMethod: given.destroyMethod });
  };
}

/** Awaited once, after injection and before anybody else gets the bean. */
export function PostConstruct(): MethodDecorator {
  return lifecycle('PostConstruct', 'post-construct');
}

/** Awaited when the context closes, in reverse order of creation. */
export function PreDestroy(): MethodDecorator {
  return lifecycle('PreDestroy', 'pre-destroy');
}

function lifecycle(decorator: string, when: 'post-construct' | 'pre-destroy'): MethodDecorator {
  return (target, member, descriptor) => {
    requireMethod(decorator, target, member, descriptor);
    const method = (target as Record<Member, unknown>)[member];
    if (typeof method === 'function' && method.length > 0) {
      throw decoratorError(decorator, describeMember(target, member), 'the method must not take parameters');
    }
    addLifecycleMethod(when, target, member);
  };
}
