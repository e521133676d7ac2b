/** What the broker thread and its parent say to each other. Plain data only. */
import type { LogLevel } from '#core';

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
    }
  | { readonly type: 'failed'; readonly code: string; readonly message: string; readonly retriable: boolean }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly fields: Record<string, unknown>;
      readonly message: string;
    };

export interface ToWorker {
  readonly type: 'close';
}
