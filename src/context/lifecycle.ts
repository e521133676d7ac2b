/**
 * Beans that run: started by ascending phase once every bean exists, stopped by descending phase before any bean is destroyed. Beans
 * of one phase start one after the other and stop together. A phase that does not stop within the limit is left behind with a warning
 * that names the beans.
 */
import type { Clock, Logger } from '#core';

/** A bean with `phase`, `start`, `stop` and `isRunning` takes part without being declared to. */
export interface SmartLifecycle {
  /** Smaller starts earlier and stops later. */
  readonly phase: number;
  start(): Promise<void> | void;
  /** Idempotent. Resolves when nothing of it runs any more. */
  stop(): Promise<void> | void;
  isRunning(): boolean;
  /** Without it: true. */
  isAutoStartup?(): boolean;
  /** After `stop`: what goes on nevertheless, by name, for the log. */
  stillRunning?(): readonly string[];
}

export const EARLIEST_PHASE = Number.MIN_SAFE_INTEGER;
export const LATEST_PHASE = Number.MAX_SAFE_INTEGER;
/** Where listener containers run: after almost everything else is up, and the first to stop. */
export const LISTENER_PHASE = LATEST_PHASE - 100;

export function isSmartLifecycle(bean: unknown): bean is SmartLifecycle {
  if (typeof bean !== 'object' || bean === null) return false;
  const candidate = bean as Record<string, unknown>;
  return (
    typeof candidate.phase === 'number' &&
    typeof candidate.start === 'function' &&
    typeof candidate.stop === 'function' &&
    typeof candidate.isRunning === 'function'
  );
}

export type NamedLifecycle = { name: string; bean: SmartLifecycle };

/**
 * Starts what wants to start by itself. A failing start stops the rest; the caller then stops what runs.
 * @param before called before each bean; may throw.
 */
export async function startLifecycles(beans: readonly NamedLifecycle[], before: () => void = () => {}): Promise<void> {
  for (const { bean } of beans.toSorted((a, b) => a.bean.phase - b.bean.phase)) {
    if (bean.isAutoStartup?.() === false || bean.isRunning()) continue;
    before();
    await bean.start();
  }
}

export type StopOptions = { timeoutPerPhaseMs: number; clock: Clock; logger: Logger };

/** @returns the beans that did not stop in time. */
export async function stopLifecycles(
  beans: readonly NamedLifecycle[],
  options: StopOptions,
): Promise<NamedLifecycle[]> {
  const phases = Map.groupBy(beans, ({ bean }) => bean.phase);
  const late: NamedLifecycle[] = [];
  for (const phase of [...phases.keys()].sort((a, b) => b - a))
    late.push(...(await stopPhase(phases.get(phase)!, options)));
  return late;
}

async function stopPhase(
  beans: readonly NamedLifecycle[],
  { timeoutPerPhaseMs, clock, logger }: StopOptions,
): Promise<NamedLifecycle[]> {
  const running = new Set(beans.filter(({ bean }) => bean.isRunning()));
  if (running.size === 0) return [];
  const stopped = [...running].map(async (entry) => {
    try {
      await entry.bean.stop();
    } catch (error) {
      logger.error({ err: error, bean: entry.name }, `the bean '${entry.name}' failed to stop`);
    }
    running.delete(entry);
  });
  const abort = new AbortController();
  const limit = clock.sleep(timeoutPerPhaseMs, abort.signal).catch(() => undefined);
  await Promise.race([Promise.all(stopped), limit]);
  abort.abort();
  if (running.size === 0) return [];
  const names = [...running].map(({ name }) => name);
  logger.warn({ beans: names }, `not stopped within ${timeoutPerPhaseMs} ms, left behind: ${names.join(', ')}`);
  return [...running];
}
