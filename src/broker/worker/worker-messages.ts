/** What the broker thread and its parent say to each other. Plain data only. */
import type { LogLevel } from '#core';
import type { MetricFamily } from '../metrics/index.ts';

/** Given to the thread when it starts. */
export interface WorkerStart {
  readonly config: Readonly<Record<string, unknown>>;
  readonly level: LogLevel;
}

export type FromWorker =
  | {
      readonly type: 'ready';
      readonly host: string;
      readonly port: number;
      readonly bootstrapServers: string;
      readonly clusterId: string;
      readonly metricsPort: number | undefined;
    }
  /** The answer to `metrics` with that number. */
  | { readonly type: 'metrics'; readonly id: number; readonly families: readonly MetricFamily[] }
  | { readonly type: 'failed'; readonly code: string; readonly message: string; readonly retriable: boolean }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly fields: Record<string, unknown>;
      readonly message: string;
    };

export type ToWorker = { readonly type: 'close' } | { readonly type: 'metrics'; readonly id: number };
