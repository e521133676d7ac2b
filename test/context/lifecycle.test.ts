import { describe, expect, test } from '@jest/globals';
import { ApplicationContext, ContextClosedEvent, ContextStartedEvent, type SmartLifecycle } from '#context';
import { Deferred, ManualClock, silentLogger } from '#core';

interface RunnerOptions {
  readonly autoStartup?: boolean;
  readonly stopsAfter?: Promise<void>;
  readonly failsToStart?: boolean;
}

class Runner implements SmartLifecycle {
  readonly phase: number;
  readonly #name: string;
  readonly #log: string[];
  readonly #options: RunnerOptions;
  #isRunning = false;

  constructor(name: string, phase: number, log: string[], options: RunnerOptions = {}) {
    this.#name = name;
    this.phase = phase;
    this.#log = log;
    this.#options = options;
  }

  isAutoStartup(): boolean {
    return this.#options.autoStartup ?? true;
  }

  start(): void {
    if (this.#options.failsToStart) throw new Error(`${this.#name} cannot start`);
    this.#isRunning = true;
    this.#log.push(`start ${this.#name}`);
  }

  async stop(): Promise<void> {
    this.#log.push(`stop ${this.#name}`);
    await this.#options.stopsAfter;
    this.#isRunning = false;
  }

  isRunning(): boolean {
    return this.#isRunning;
  }
}

function contextOf(runners: Record<string, Runner>, options = {}): ApplicationContext {
  const context = new ApplicationContext(options);
  for (const [name, runner] of Object.entries(runners)) {
    context.register({ name, type: Runner, create: () => runner, origin: 'test' });
  }
  return context;
}

describe('beans that run', () => {
  test('are named after the close when something of them goes on although they stopped', async () => {
    class Leaves extends Runner {
      stillRunning(): string[] {
        return ['jobs-0'];
      }
    }
    const context = contextOf({ listener: new Leaves('listener', 1, []), template: new Runner('template', 0, []) });
    await context.start();
    await context.close();
    expect(context.leftBehind).toEqual(['jobs-0']);
  });

  test('start by ascending phase and stop by descending phase, before anything is destroyed', async () => {
    const log: string[] = [];
    const context = contextOf({
      listener: new Runner('listener', 100, log),
      broker: new Runner('broker', -100, log),
      template: new Runner('template', 0, log),
      idle: new Runner('idle', 0, log, { autoStartup: false }),
    });
    context.register({
      name: 'bean',
      type: undefined,
      create: () => ({}),
      destroy: () => void log.push('destroy'),
      origin: 'test',
    });
    await context.start();
    expect(context.isRunning).toBe(true);
    await context.close();
    expect(log).toEqual([
      'start broker',
      'start template',
      'start listener',
      'stop listener',
      'stop template',
      'stop broker',
      'destroy',
    ]);
  });

  test('that fail to start take down what runs already', async () => {
    const log: string[] = [];
    const context = contextOf({ a: new Runner('a', 1, log), b: new Runner('b', 2, log, { failsToStart: true }) });
    await expect(context.start()).rejects.toThrow('b cannot start');
    expect(log).toEqual(['start a', 'stop a']);
  });

  test('that do not stop within the limit are named and left behind', async () => {
    const log: string[] = [];
    const warnings: string[] = [];
    const clock = new ManualClock();
    const logger = {
      ...silentLogger,
      warn: (_fields: unknown, message?: string) => void warnings.push(String(message)),
    };
    const context = contextOf(
      {
        stuck: new Runner('stuck', 2, log, { stopsAfter: new Deferred<void>().promise }),
        next: new Runner('next', 1, log),
      },
      { clock, logger, shutdownTimeoutPerPhaseMs: 5000 },
    );
    await context.start();
    const closed = context.close();
    await clock.advance(4999);
    expect(log.at(-1)).toBe('stop stuck');
    await clock.advance(1);
    await closed;
    expect(log.at(-1)).toBe('stop next');
    expect(warnings).toEqual(['not stopped within 5000 ms, left behind: stuck']);
  });
});

test('closing during the start ends it after the bean at hand and takes down what was made', async () => {
  const log: string[] = [];
  const gate = new Deferred<void>();
  const isReached = new Deferred<void>();
  const context = new ApplicationContext();
  context.register({
    name: 'slow',
    type: undefined,
    create: () => {
      isReached.resolve();
      return gate.promise;
    },
    destroy: () => void log.push('slow ends'),
    origin: 'test',
  });
  context.register({ name: 'next', type: undefined, create: () => void log.push('next is made'), origin: 'test' });
  const starting = context.start();
  await isReached.promise;
  const closed = context.close();
  gate.resolve();
  await expect(starting).rejects.toThrow('closed while it was starting');
  await closed;
  expect(log).toEqual(['slow ends']);
});

test('events reach listeners of their class until they are taken away', async () => {
  const context = new ApplicationContext();
  const seen: string[] = [];
  context.onEvent(ContextStartedEvent, () => void seen.push('started'));
  const end = context.onEvent(Object, (event) => void seen.push(event.constructor.name));
  await context.start();
  end();
  context.onEvent(ContextClosedEvent, () => {
    throw new Error('listeners do not disturb');
  });
  await context.close();
  expect(seen).toEqual(['started', 'ContextStartedEvent']);
});
