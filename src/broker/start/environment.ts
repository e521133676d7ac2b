/** What a broker is made of before it is opened, and how it is closed: backwards. */
import { type Clock, errorText, type Logger, type Random } from '#core';
import type { Disk } from '#storage';
import type { Authorizer } from '../authorizer.ts';
import type { LiveConfig } from '../config/live-config.ts';
import type { BrokerSettings } from '../config/settings.ts';

export interface Environment {
  readonly authorizer: Authorizer;
  readonly settings: BrokerSettings;
  readonly live: LiveConfig;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export type Closer = () => void | Promise<void>;

/** Last opened, first closed. Everything is tried; the first error is thrown, or with a logger only told. */
export async function closeAll(closers: Closer[], logger?: Logger): Promise<void> {
  let failure: unknown;
  for (const close of closers.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      logger?.warn({ err: error }, `While closing after a failed start: ${errorText(error)}`);
      failure ??= error;
    }
  }
  if (failure !== undefined && logger === undefined) throw failure;
}
