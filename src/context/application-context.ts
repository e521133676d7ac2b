/**
 * The container: takes definitions, makes every singleton in order of need, starts what runs, and takes it all down again in reverse.
 * inversify resolves and keeps the instances; which definition answers which dependency is decided by `BeanPlan` before any bean is made.
 *
 *   created → starting → running → closing → closed       (a failed start closes what was made and rethrows)
 */
import type { Container } from 'inversify';
import { assert, type Clock, Deferred, errorText, KafkaError, type Logger, silentLogger, systemClock } from '#core';
import { type BeanDefinition, describeBean, describeToken, isAssignable } from './bean-definition.ts';
import { BeanFailure } from './bean-failure.ts';
import { BeanPlan, type PlannedBean } from './bean-plan.ts';
import { definitionsOf } from './component-definitions.ts';
import { Environment } from './environment.ts';
import { ContextClosedEvent, ContextClosingEvent, ContextStartedEvent, EventHub } from './events.ts';
import { isSmartLifecycle, type NamedLifecycle, startLifecycles, stopLifecycles } from './lifecycle.ts';
import { type AnyClass, type Class, type ClosedClass, readComponent, type Token } from './metadata.ts';
import { StartupFailure } from './startup-failure.ts';

export type ContextOptions = {
  environment?: Environment;
  logger?: Logger;
  clock?: Clock;
  /** How long all beans of one phase may take to stop. Default 30 000. */
  shutdownTimeoutPerPhaseMs?: number;
};

export type BeanEntry = {
  name: string | symbol;
  type: AnyClass | undefined;
  instance: unknown;
  definition: BeanDefinition;
};
export type BeanHook = (bean: unknown, definition: BeanDefinition) => void | Promise<void>;

const SHUTDOWN_TIMEOUT_MS = 30_000;

export class ApplicationContext {
  readonly environment: Environment;
  /** Loaded at the start: its 240 modules need not hold up what starts beside it. */
  #loaded: Container | undefined;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #shutdownTimeoutMs: number;
  readonly #events: EventHub;
  readonly #definitions: BeanDefinition[] = [];
  readonly #hooks: BeanHook[] = [];
  readonly #readyHooks: (() => void | Promise<void>)[] = [];
  /** In order of creation. */
  readonly #created: BeanEntry[] = [];
  readonly #identifiers = new Map<BeanDefinition, symbol>();
  #plan: BeanPlan | undefined;
  #state: 'created' | 'starting' | 'running' | 'closing' | 'closed' = 'created';
  #closing: Promise<void> | undefined;
  readonly #startEnded = new Deferred<void>();
  #isCloseAsked = false;
  readonly #leftBehind: string[] = [];

  constructor(options: ContextOptions = {}) {
    this.environment = options.environment ?? new Environment();
    this.#logger = options.logger ?? silentLogger;
    this.#clock = options.clock ?? systemClock;
    this.#shutdownTimeoutMs = options.shutdownTimeoutPerPhaseMs ?? SHUTDOWN_TIMEOUT_MS;
    this.#events = new EventHub(this.#logger);
    this.register({ name: 'applicationContext', type: ApplicationContext, create: () => this, origin: 'the context' });
    this.register({ name: 'environment', type: Environment, create: () => this.environment, origin: 'the context' });
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** After `close`: what went on beyond its limit, by name: consumers of listeners whose handler runs, beans that did not end. */
  get leftBehind(): readonly string[] {
    return this.#leftBehind;
  }

  /** Adds a bean by hand. Only before `start`. */
  register<T>(definition: BeanDefinition<T>): void {
    assert(this.#state === 'created', 'beans are registered before the context starts');
    this.#definitions.push(definition as BeanDefinition);
  }

  /** Adds a component class and its `@Bean` methods, unless its profile is not active. Only before `start`. */
  registerComponent(type: Class): void {
    for (const definition of definitionsOf(type, this.environment)) this.register(definition);
  }

  /** Calls the hook for every bean, once it is initialised and before its dependents are made. */
  onBeanCreated(hook: BeanHook): void {
    this.#hooks.push(hook);
  }

  /** Calls the hook when every eager bean exists and before anything is started. */
  onBeansReady(hook: () => void | Promise<void>): void {
    this.#readyHooks.push(hook);
  }

  /** Makes and starts everything. @throws StartupFailure after taking down again what was made. */
  async start(): Promise<void> {
    assert(this.#state === 'created', 'a context starts once');
    this.#state = 'starting';
    const begin = this.#clock.now().monotonicMs;
    try {
      const { Container } = await import('inversify');
      this.#loaded = new Container({ defaultScope: 'Singleton' });
      this.#plan = new BeanPlan(this.#definitions, (type) => this.#missingHint(type));
      for (const planned of this.#plan.order) this.#bind(planned);
      for (const planned of this.#eager()) {
        this.#throwIfCloseAsked();
        await this.#container.getAsync(this.#identifiers.get(planned.definition)!);
      }
      for (const hook of this.#readyHooks) await hook();
      await startLifecycles(this.#lifecycles(), () => this.#throwIfCloseAsked());
    } catch (error) {
      await this.#closeOnce();
      throw error;
    } finally {
      this.#startEnded.resolve();
    }
    this.#state = 'running';
    this.publishEvent(new ContextStartedEvent(this.#clock.now().monotonicMs - begin));
  }

  /**
   * The bean of the class, or with the name.
   * @throws StartupFailure when there is none, or several of the class and none is primary.
   */
  get<T>(token: Class<T & object> | string | symbol): T;
  get<T extends object>(token: ClosedClass<T>): T;
  get<T>(token: Token<T>): T {
    return this.#get(token);
  }

  #get<T>(token: Token<T>): T {
    const found = this.#find(token);
    if (found !== undefined) return found;
    throw this.#requirePlan().missing(token, 'ApplicationContext.get');
  }

  /** As `get`, but undefined when there is none. */
  find<T>(token: Class<T & object> | string | symbol): T | undefined;
  find<T extends object>(token: ClosedClass<T>): T | undefined;
  find<T>(token: Token<T>): T | undefined {
    return this.#find(token);
  }

  #find<T>(token: Token<T>): T | undefined {
    const definition =
      this.#requirePlan().select(token, 'ApplicationContext.get') ?? this.#createdOf(token)?.definition;
    if (definition === undefined) return undefined;
    return this.#instanceOf(definition) as T;
  }

  /** Every bean of the class, ordered by `@Order`, then as declared. */
  getAll<T extends object>(type: Class<T>): T[];
  getAll<T extends object>(type: ClosedClass<T>): T[];
  getAll<T extends object>(type: AnyClass<T>): T[] {
    const planned = this.#requirePlan().candidates(type);
    const untyped = this.#created.filter((e) => e.definition.type === undefined && e.instance instanceof type);
    return [...planned.map((definition) => this.#instanceOf(definition)), ...untyped.map((e) => e.instance)] as T[];
  }

  has(token: Token): boolean {
    return this.#requirePlan().candidates(token).length > 0 || this.#createdOf(token) !== undefined;
  }

  /** The beans made so far, in order of creation. */
  beans(): Iterable<BeanEntry> {
    return this.#created.values();
  }

  publishEvent(event: object): void {
    this.#events.publish(event);
  }

  /** Calls the hook once, after everything is stopped and destroyed. */
  onClosed(hook: () => void): void {
    this.onEvent(ContextClosedEvent, hook);
  }

  /** Gives the function that ends the subscription. */
  onEvent<T extends object>(type: Class<T>, listener: (event: T) => void): () => void {
    return this.#events.on(type, listener);
  }

  /**
   * Stops lifecycle beans by descending phase, then destroys all beans in reverse order of creation. Idempotent; never rejects. During
   * the start it takes effect as soon as the bean that is being made or started is through; `start` then rejects with ABORTED.
   */
  close(): Promise<void> {
    if (this.#state !== 'starting') return this.#closeOnce();
    this.#isCloseAsked = true;
    return this.#startEnded.promise.then(() => this.#closeOnce());
  }

  #closeOnce(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #throwIfCloseAsked(): void {
    if (this.#isCloseAsked) throw new KafkaError('ABORTED', 'the application was closed while it was starting');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    this.publishEvent(new ContextClosingEvent());
    const lifecycles = this.#lifecycles();
    const late = await stopLifecycles(lifecycles, {
      timeoutPerPhaseMs: this.#shutdownTimeoutMs,
      clock: this.#clock,
      logger: this.#logger,
    });
    for (const entry of this.#created.toReversed()) await this.#destroy(entry);
    for (const entry of lifecycles) {
      const names = entry.bean.stillRunning?.() ?? (late.includes(entry) ? [entry.name] : []);
      this.#leftBehind.push(...names);
    }
    this.#state = 'closed';
    this.publishEvent(new ContextClosedEvent());
  }

  async #destroy({ name, definition }: BeanEntry): Promise<void> {
    const abort = new AbortController();
    const limit = this.#clock.sleep(this.#shutdownTimeoutMs, abort.signal).then(
      () => {
        this.#leftBehind.push(String(name));
        this.#logger.warn({ bean: String(name) }, `the bean '${String(name)}' did not end in time and is left behind`);
      },
      () => undefined,
    );
    try {
      await Promise.race([this.#container.unbindAsync(this.#identifiers.get(definition)!), limit]);
    } catch (error) {
      this.#logger.error(
        { err: error, bean: String(name) },
        `the bean '${String(name)}' failed to end: ${errorText(error)}`,
      );
    } finally {
      abort.abort();
    }
  }

  #bind({ definition, answers }: PlannedBean): void {
    const identifier = Symbol(String(definition.name));
    this.#identifiers.set(definition, identifier);
    const identifiers = answers.flat().map((answer) => this.#identifiers.get(answer)!);
    const make = async (...resolved: unknown[]): Promise<unknown> =>
      this.#make(definition, this.#arguments(definition, answers, resolved));
    this.#container
      .bind<unknown>(identifier)
      .toResolvedValue(make, identifiers)
      .inSingletonScope()
      .onDeactivation(async (instance) => {
        if (instance !== this) await definition.destroy?.(instance);
      });
  }

  #arguments(definition: BeanDefinition, answers: PlannedBean['answers'], resolved: unknown[]): unknown[] {
    let position = 0;
    return (definition.dependencies ?? []).map((dependency, index) => {
      const taken = resolved.slice(position, position + answers[index].length);
      position += taken.length;
      if (dependency.kind === 'all') return taken;
      if (dependency.kind !== 'value') return taken[0];
      const text = this.environment.resolvePlaceholders(dependency.expression);
      return this.environment.convert(text, dependency.type, [
        ['Property', `${dependency.expression} (@Value on ${dependency.where})`],
        ['Value', JSON.stringify(text)],
      ]);
    });
  }

  async #make(definition: BeanDefinition, dependencies: unknown[]): Promise<unknown> {
    const instance = await guarded(definition, 'be made', () => definition.create(...(dependencies as never[])));
    const entry: BeanEntry = {
      name: definition.name,
      type: definition.type ?? classOf(instance),
      instance,
      definition,
    };
    this.#created.push(entry);
    await guarded(definition, 'be initialised', () => definition.initialize?.(instance));
    for (const hook of this.#hooks) await hook(instance, definition);
    return instance;
  }

  #eager(): PlannedBean[] {
    return this.#requirePlan().order.filter(({ definition }) => definition.isLazy !== true);
  }

  #instanceOf(definition: BeanDefinition): unknown {
    const made = this.#created.find((entry) => entry.definition === definition);
    if (made !== undefined) return made.instance;
    throw new StartupFailure(`The bean ${describeBean(definition)} has not been made yet.`, {
      action: 'Ask for it after the start; a @Lazy bean that nobody needs is made by ApplicationContext.getAsync.',
    });
  }

  /** As `get`, and makes a `@Lazy` bean that nobody has needed so far. */
  getAsync<T>(token: Class<T & object> | string | symbol): Promise<T>;
  getAsync<T extends object>(token: ClosedClass<T>): Promise<T>;
  async getAsync<T>(token: Token<T>): Promise<T> {
    const definition = this.#requirePlan().select(token, 'ApplicationContext.getAsync');
    if (definition === undefined) return this.#get(token);
    return (await this.#container.getAsync(this.#identifiers.get(definition)!)) as T;
  }

  #createdOf(token: Token): BeanEntry | undefined {
    if (typeof token !== 'function') return undefined;
    const found = this.#created.filter((e) => e.definition.type === undefined && isAssignable(e.type, token));
    return found.length === 1 ? found[0] : undefined;
  }

  #lifecycles(): NamedLifecycle[] {
    return this.#created.flatMap(({ name, instance }) =>
      isSmartLifecycle(instance) ? [{ name: String(name), bean: instance }] : [],
    );
  }

  #missingHint(type: AnyClass): string | undefined {
    if (readComponent(type) === undefined) return undefined;
    const isRegistered = this.#definitions.some((definition) => definition.type === type);
    return isRegistered
      ? undefined
      : `${describeToken(type)} is a component, but not one of this context: add it to \`components\`, or see whether its @Profile is active.`;
  }

  get #container(): Container {
    assert(this.#loaded !== undefined, 'the context has not been started');
    return this.#loaded;
  }

  #requirePlan(): BeanPlan {
    assert(this.#plan !== undefined, 'the context has not been started');
    return this.#plan;
  }
}

function classOf(instance: unknown): Class | undefined {
  return typeof instance === 'object' && instance !== null ? (instance.constructor as Class | undefined) : undefined;
}

/** Says which bean failed; a failure that already explains itself passes. */
async function guarded<T>(definition: BeanDefinition, what: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof StartupFailure) throw error;
    throw new BeanFailure(definition, what, error);
  }
}
