import { describe, expect, test } from '@jest/globals';
import {
  ApplicationContext,
  Bean,
  BeanFailure,
  type Class,
  Component,
  Configuration,
  Environment,
  Inject,
  InjectAll,
  Lazy,
  Order,
  PostConstruct,
  PreDestroy,
  Primary,
  Qualifier,
  Service,
  StartupFailure,
  Value,
} from '#context';
import { environmentOf } from './scene.ts';

async function started(components: Class[], settings: Record<string, unknown> = {}): Promise<ApplicationContext> {
  const context = new ApplicationContext({ environment: environmentOf(settings) });
  for (const component of components) context.registerComponent(component);
  await context.start();
  return context;
}

async function failure(components: Class[], settings: Record<string, unknown> = {}): Promise<StartupFailure> {
  try {
    await started(components, settings);
  } catch (error) {
    if (error instanceof StartupFailure) return error;
    throw error;
  }
  throw new Error('the start did not fail');
}

class Template<K, V> {
  readonly sent: [K, V][] = [];
}

@Service()
class Ledger {
  readonly lines: string[] = [];
}

@Service()
class Orders {
  readonly ledger: Ledger;
  readonly template: Template<string, number>;
  constructor(ledger: Ledger, template: Template<string, number>) {
    this.ledger = ledger;
    this.template = template;
  }
}

@Configuration()
class Beans {
  @Bean()
  template(): Template<string, number> {
    return new Template();
  }
}

describe('injection by type', () => {
  test('gives a constructor the singleton of each declared class, generic classes included', async () => {
    const context = await started([Orders, Beans, Ledger]);
    const orders = context.get(Orders);
    expect(orders.ledger).toBe(context.get(Ledger));
    expect(orders.template).toBe(context.get<Template<string, number>>(Template));
    expect(context.get('orders')).toBe(orders);
  });

  test('finds a bean by its base class', async () => {
    abstract class Store {}
    @Service()
    class DiskStore extends Store {}
    const context = await started([DiskStore]);
    expect(context.get(Store)).toBeInstanceOf(DiskStore);
  });

  test('prefers the primary bean, and a name picks any', async () => {
    class Codec {
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }
    }
    @Configuration()
    class Codecs {
      @Bean()
      @Primary()
      json(): Codec {
        return new Codec('json');
      }
      @Bean({ name: 'avro' })
      makeAvro(): Codec {
        return new Codec('avro');
      }
    }
    @Component()
    class User {
      @Inject('avro') readonly property!: Codec;
      readonly codecs: Codec[];
      constructor(main: Codec, @Qualifier('avro') other: Codec, @InjectAll(Codec) all: Codec[]) {
        this.codecs = [main, other, ...all];
      }
    }
    const user = (await started([Codecs, User])).get(User);
    expect(user.codecs.map((codec) => codec.name)).toEqual(['json', 'avro', 'json', 'avro']);
    expect(user.property.name).toBe('avro');
  });

  test('orders @InjectAll and getAll by @Order, the rest behind in order of declaration', async () => {
    abstract class Filter {}
    @Component()
    class Last extends Filter {}
    @Component()
    @Order(2)
    class Second extends Filter {}
    @Component()
    @Order(1)
    class First extends Filter {}
    const context = await started([Last, Second, First]);
    expect(context.getAll(Filter).map((filter) => filter.constructor.name)).toEqual(['First', 'Second', 'Last']);
  });

  test('leaves an optional bean undefined when there is none', async () => {
    @Component()
    class User {
      readonly ledger: Ledger | undefined;
      constructor(@Inject(Ledger, { optional: true }) ledger?: Ledger) {
        this.ledger = ledger;
      }
    }
    expect((await started([User])).get(User).ledger).toBeUndefined();
  });

  test('injects the context and the environment', async () => {
    @Component()
    class User {
      readonly context: ApplicationContext;
      readonly environment: Environment;
      constructor(context: ApplicationContext, environment: Environment) {
        this.context = context;
        this.environment = environment;
      }
    }
    const context = await started([User]);
    expect(context.get(User).context).toBe(context);
    expect(context.get(User).environment).toBe(context.environment);
  });
});

describe('@Bean', () => {
  test('awaits an async method, hands it its dependencies, and takes the class from the option', async () => {
    @Configuration()
    class Async {
      @Bean({ type: Template })
      async template(ledger: Ledger): Promise<Template<string, number>> {
        await Promise.resolve();
        ledger.lines.push('made');
        return new Template();
      }
    }
    const context = await started([Async, Ledger, Orders]);
    expect(context.get(Orders).template).toBeInstanceOf(Template);
    expect(context.get(Ledger).lines).toEqual(['made']);
  });

  test('without a known class is found by name, and by its instance once it exists', async () => {
    @Configuration()
    class Async {
      @Bean()
      async template(): Promise<Template<string, number>> {
        return new Template();
      }
    }
    const context = await started([Async]);
    expect(context.get('template')).toBeInstanceOf(Template);
    expect(context.get(Template)).toBe(context.get('template'));
    const refused = await failure([Async, Ledger, Orders]);
    expect(refused.message).toContain("'template' (method Async.template)");
    expect(refused.action).toContain('@Bean({ type: ... })');
  });

  test('that returns nothing fails the start with its name', async () => {
    @Configuration()
    class Empty {
      @Bean()
      nothing(): Ledger {
        return undefined as unknown as Ledger;
      }
    }
    expect((await failure([Empty])).description).toBe('The @Bean method Empty.nothing returned undefined.');
  });
});

describe('@Value', () => {
  @Component()
  class Settings {
    @Value('${app.names}') readonly names!: string[];
    readonly all: unknown[];
    constructor(
      @Value('${app.limit:7}') limit: number,
      @Value('${app.on:yes}') on: boolean,
      @Value('${app.wait}', 'duration-ms') wait: number,
      @Value('queue-${app.name}') text: string,
      @Value('${app.size}', 'bytes') size: number,
      @Value('${app.date}', (t) => new Date(t)) date: Date,
    ) {
      this.all = [limit, on, wait, text, size, date];
    }
  }
  const settings = {
    'app.names': 'a, b',
    'app.wait': '2m',
    'app.name': 'x',
    'app.size': '5MB',
    'app.date': '2026-01-01',
  };

  test('converts to the declared type', async () => {
    const bean = (await started([Settings], settings)).get(Settings);
    expect(bean.all).toEqual([7, true, 120_000, 'queue-x', 5 * 1024 * 1024, new Date('2026-01-01')]);
    expect(bean.names).toEqual(['a', 'b']);
  });

  test('names expression and parameter when a text does not fit', async () => {
    const refused = await failure([Settings], { ...settings, 'app.limit': 'many' });
    expect(refused.message).toContain('${app.limit:7} (@Value on parameter 0 of the constructor of Settings)');
    expect(refused.message).toContain("'many' is not a number");
  });

  test('names the key that nobody sets', async () => {
    const refused = await failure([Settings], { ...settings, 'app.name': undefined });
    expect(refused.description).toBe("A placeholder asks for 'app.name', which is not set.");
    expect(refused.action).toContain('${app.name:some default}');
  });
});

describe('lifecycle of beans', () => {
  test('post-construct runs after injection and is awaited; pre-destroy runs in reverse order of creation', async () => {
    const log: string[] = [];
    @Component()
    class First {
      @Value('${x:1}') readonly x!: number;
      @PostConstruct()
      async open(): Promise<void> {
        await Promise.resolve();
        log.push(`first opens with ${this.x}`);
      }
      @PreDestroy()
      async end(): Promise<void> {
        await Promise.resolve();
        log.push('first ends');
      }
    }
    @Component()
    class Second {
      readonly first: First;
      constructor(first: First) {
        this.first = first;
        log.push('second is made');
      }
      @PreDestroy()
      end(): void {
        log.push('second ends');
      }
    }
    const context = await started([Second, First]);
    await context.close();
    await context.close();
    expect(log).toEqual(['first opens with 1', 'second is made', 'second ends', 'first ends']);
  });

  test('a bean of a @Bean method is closed by its close method, by the named one, or not at all', async () => {
    const log: string[] = [];
    class Resource {
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }
      close(): void {
        log.push(`close ${this.name}`);
      }
      shutdown(): void {
        log.push(`shutdown ${this.name}`);
      }
    }
    @Configuration()
    class Resources {
      @Bean()
      a(): Resource {
        return new Resource('a');
      }
      @Bean({ destroyMethod: 'shutdown' })
      b(): Resource {
        return new Resource('b');
      }
      @Bean({ destroyMethod: false })
      c(): Resource {
        return new Resource('c');
      }
    }
    await (await started([Resources])).close();
    expect(log).toEqual(['shutdown b', 'close a']);
  });

  test('a failing constructor names the bean, keeps the cause, and what was made is destroyed', async () => {
    const log: string[] = [];
    @Component()
    class Good {
      @PreDestroy()
      end(): void {
        log.push('good ends');
      }
    }
    @Component()
    class Bad {
      constructor(_good: Good) {
        throw new RangeError('too far');
      }
    }
    const start = started([Good, Bad]);
    await expect(start).rejects.toThrow("the bean 'bad' (class Bad) could not be made: too far");
    await expect(start).rejects.toBeInstanceOf(BeanFailure);
    expect(log).toEqual(['good ends']);
  });

  test('a lazy bean is made when somebody needs it', async () => {
    const log: string[] = [];
    @Component()
    @Lazy()
    class Late {
      constructor() {
        log.push('made');
      }
    }
    const context = await started([Late]);
    expect(log).toEqual([]);
    const late = await context.getAsync(Late);
    expect(context.get(Late)).toBe(late);
    expect(log).toEqual(['made']);
  });

  test('hooks see every bean before its dependents are made', async () => {
    const seen: string[] = [];
    const context = new ApplicationContext();
    for (const component of [Orders, Beans, Ledger]) context.registerComponent(component);
    context.onBeanCreated((_bean, definition) => void seen.push(String(definition.name)));
    await context.start();
    expect(seen).toEqual(['applicationContext', 'environment', 'ledger', 'beans', 'template', 'orders']);
  });
});

describe('automatic beans', () => {
  class Users extends Template<string, string> {}

  test('step back for a bean of their class and are there without one', async () => {
    const make = async (own: boolean): Promise<ApplicationContext> => {
      const context = new ApplicationContext();
      context.register({
        name: 'auto',
        type: Template,
        create: () => new Template(),
        yieldsTo: 'type',
        origin: 'auto-configuration',
      });
      if (own) context.register({ name: 'own', type: Users, create: () => new Users(), origin: 'test' });
      await context.start();
      return context;
    };
    expect((await make(true)).get(Template)).toBeInstanceOf(Users);
    expect((await make(true)).has('auto')).toBe(false);
    expect((await make(false)).has('auto')).toBe(true);
  });
});
