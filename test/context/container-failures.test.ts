import { describe, expect, test } from '@jest/globals';
import {
  ApplicationContext,
  Bean,
  type Class,
  Component,
  Configuration,
  formatStartupFailure,
  Inject,
  PostConstruct,
  PreDestroy,
  Primary,
  Profile,
  registeredComponents,
  Service,
  StartupFailure,
  Value,
} from '#context';

function start(...components: Class[]): Promise<void> {
  const context = new ApplicationContext();
  for (const component of components) context.registerComponent(component);
  return context.start();
}

async function failure(...components: Class[]): Promise<StartupFailure> {
  const error: unknown = await (async () => start(...components))().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StartupFailure);
  return error as StartupFailure;
}

interface Shape {
  area(): number;
}

@Service()
class Ledger {}

describe('the start fails and says why', () => {
  test('when a parameter is an interface', async () => {
    @Service()
    class Painter {
      constructor(_ledger: Ledger, _shape: Shape) {}
    }
    const { description, action } = await failure(Ledger, Painter);
    expect(description).toContain('The type of parameter 1 of the constructor of Painter is an interface');
    expect(action).toContain('@Inject("name")');
  });

  test('when the compiler emitted no types, and tells which option is missing', async () => {
    class Plain {
      readonly ledger: Ledger;
      constructor(ledger: Ledger) {
        this.ledger = ledger;
      }
    }
    const { description, action } = await failure(Ledger, Plain);
    expect(description).toBe(
      'The type of parameter 0 of the constructor of Plain is not known: the compiler emitted no types for it.',
    );
    expect(action).toContain('emitDecoratorMetadata');
  });

  test('when a parameter is undefined because of a circular import', async () => {
    @Service()
    class Early {
      constructor(_later: Ledger) {}
    }
    Reflect.defineMetadata('design:paramtypes', [undefined], Early);
    const { description, action } = await failure(Early);
    expect(description).toBe(
      'The type of parameter 0 of the constructor of Early is undefined when its class is defined.',
    );
    expect(action).toContain('import each other');
  });

  test('when a parameter is a plain string', async () => {
    @Service()
    class Greeter {
      constructor(_name: string) {}
    }
    const { description, action } = await failure(Greeter);
    expect(description).toBe(
      'Parameter 0 of the constructor of Greeter is a String, which cannot be injected by type.',
    );
    expect(action).toContain('@Value("${key:default}")');
  });

  test('when a bean is missing, and knows that the class is a component left out', async () => {
    @Service()
    class User {
      constructor(_ledger: Ledger) {}
    }
    const { description, action } = await failure(User);
    expect(description).toBe('parameter 0 of the constructor of User needs a bean of Ledger that does not exist.');
    expect(action).toContain('Ledger is a component, but not one of this context');
  });

  test('when a named bean is missing', async () => {
    @Service()
    class User {
      @Inject('clock') readonly clock!: object;
    }
    expect((await failure(User)).description).toBe("User.clock needs a bean named 'clock' that does not exist.");
  });

  test('when several beans qualify, and lists them', async () => {
    @Configuration()
    class Two {
      @Bean()
      a(): Date {
        return new Date(0);
      }
      @Bean()
      b(): Date {
        return new Date(1);
      }
    }
    @Service()
    class User {
      constructor(_date: Date) {}
    }
    const { description, details, action } = await failure(Two, User);
    expect(description).toBe('parameter 0 of the constructor of User needs one bean of Date, but there are 2:');
    expect(details.map(([, text]) => text)).toEqual(["'a' (method Two.a)", "'b' (method Two.b)"]);
    expect(action).toContain('@Primary()');
  });

  test('when a named bean has another class than the declared one', async () => {
    @Configuration()
    class Dates {
      @Bean()
      a(): Date {
        return new Date(0);
      }
    }
    @Service()
    class User {
      @Inject('a') readonly ledger!: Ledger;
    }
    expect((await failure(Dates, User)).description).toBe(
      "User.ledger is a Ledger, but the bean 'a' (method Dates.a) is a Date.",
    );
  });

  test('when two beans have one name', async () => {
    @Service('same')
    class A {}
    @Service('same')
    class B {}
    expect((await failure(A, B)).description).toBe("Two beans are named 'same': class A and class B.");
  });

  test('when beans need each other in a circle, which is drawn', async () => {
    @Service()
    class Chicken {
      constructor(@Inject('egg') _egg: object) {}
    }
    @Service()
    class Egg {
      constructor(@Inject('nest') _nest: object) {}
    }
    @Service()
    class Nest {
      constructor(_chicken: Chicken) {}
    }
    expect((await failure(Chicken, Egg, Nest)).description).toBe(
      [
        'Some beans need each other in a circle:',
        '',
        '┌─────┐',
        "|  'chicken' (class Chicken)",
        '↑     ↓',
        "|  'egg' (class Egg)",
        '↑     ↓',
        "|  'nest' (class Nest)",
        '└─────┘',
      ].join('\n'),
    );
  });

  test('and prints a block with description, details and action', () => {
    const failed = new StartupFailure('Failed to bind a key:', {
      details: [
        ['Property', 'a.b'],
        ['Origin', 'application.yaml:3'],
      ],
      action: 'Write a number.',
    });
    expect(formatStartupFailure(failed)).toBe(`
***************************
APPLICATION FAILED TO START
***************************

Description:

Failed to bind a key:

    Property: a.b
    Origin: application.yaml:3

Action:

Write a number.

`);
  });
});

describe('decorators refuse at once, naming class and member', () => {
  test.each([
    [
      '@PostConstruct on Broken.open: the method must not take parameters',
      () => {
        class Broken {
          open(_x: number): void {}
        }
        PostConstruct()(Broken.prototype, 'open');
      },
    ],
    [
      '@PreDestroy on Broken.end: a static method cannot carry it',
      () => {
        class Broken {
          static end(): void {}
        }
        PreDestroy()(Broken, 'end');
      },
    ],
    [
      '@Bean on Broken.make: option `type` is not a class (circular import?)',
      () => {
        class Broken {
          make(): void {}
        }
        Bean({ type: undefined as unknown as Class })(Broken.prototype, 'make');
      },
    ],
    [
      "@Value on Broken.x: '#{1 + 1}' is an expression",
      () => {
        class Broken {}
        Value('#{1 + 1}')(Broken.prototype, 'x');
      },
    ],
    [
      '@Inject on parameter 2 of the constructor of Broken: its argument is undefined',
      () => {
        class Broken {}
        Inject(undefined as unknown as Class)(Broken, undefined, 2);
      },
    ],
    [
      "@Profile on class Broken: profile expression 'a &': a profile name is missing at the end",
      () => {
        class Broken {}
        Profile('a &')(Broken);
      },
    ],
    [
      '@Service on class Ledger: the class already is a @service',
      () => {
        Service()(Ledger);
      },
    ],
    [
      '@Component is written with brackets: @Component()',
      () => {
        Component(Ledger as unknown as string);
      },
    ],
  ])('%s', (text, decorate) => {
    expect(decorate).toThrow(text);
  });
});

test('a component class is on the registry as soon as its module is loaded', () => {
  expect(registeredComponents()).toContain(Ledger);
});

test('decorators leave the class as it is and make no instance', () => {
  let count = 0;
  @Service()
  @Primary()
  class Quiet {
    constructor() {
      count++;
    }
  }
  expect(count).toBe(0);
  expect(Object.keys(Quiet)).toEqual([]);
});
