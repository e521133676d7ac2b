/**
 * Finds the broker that coordinates a group or a transactional id. Asked again, with back-off, while the coordinator loads or
 * its internal topic is being created; look-ups of the same key at the same time share one. Nothing is remembered: who
 * uses a coordinator notices first that it moved.
 */
import { KafkaError } from '#core';
import { Apis, Errors, toKafkaError } from '#protocol';
import { backoffMs } from './backoff.ts';
import type { ClientEnvironment } from './broker-node.ts';
import type { BrokerAddress } from './metadata.ts';
import type { NetworkClient } from './network-client.ts';

export type CoordinatorType = 'group' | 'transaction';

/** Key types of FindCoordinator. */
const KEY_TYPES: Record<CoordinatorType, number> = { group: 0, transaction: 1 };
/** From this version on keys are asked for in lists. @see KIP-699 */
const BATCH_VERSION = 4;

type Answer = BrokerAddress & { errorCode: number; errorMessage: string | null };

export class Coordinators {
  readonly #network: NetworkClient;
  readonly #environment: ClientEnvironment;
  readonly #lookups = new Map<string, Promise<number>>();

  constructor(network: NetworkClient, environment: ClientEnvironment) {
    this.#network = network;
    this.#environment = environment;
  }

  /** @returns the coordinator's node. @throws the last answer at `deadlineMs` (monotonic), a final one at once */
  find(type: CoordinatorType, key: string, deadlineMs: number): Promise<number> {
    const id = `${type}:${key}`;
    const running = this.#lookups.get(id);
    if (running !== undefined) return running;
    const lookup = this.#find(type, key, deadlineMs).finally(() => this.#lookups.delete(id));
    this.#lookups.set(id, lookup);
    return lookup;
  }

  async #find(type: CoordinatorType, key: string, deadlineMs: number): Promise<number> {
    const { clock, config, random } = this.#environment;
    const backoff = { firstMs: config['retry.backoff.ms'], mostMs: config['retry.backoff.max.ms'] };
    for (let failureCount = 1; ; failureCount++) {
      try {
        return await this.#ask(type, key, deadlineMs - clock.now().monotonicMs);
      } catch (error) {
        const waitMs = backoffMs(backoff, failureCount, random.float());
        const isOver = clock.now().monotonicMs + waitMs >= deadlineMs;
        if (isOver || this.#network.isClosed || !(error instanceof KafkaError) || !error.retriable) throw error;
        await this.#network.pause(waitMs);
      }
    }
  }

  async #ask(type: CoordinatorType, key: string, leftMs: number): Promise<number> {
    const timeoutMs = Math.max(1, Math.min(leftMs, this.#environment.config['request.timeout.ms']));
    const answer = await this.#request(type, key, timeoutMs);
    if (answer.errorCode !== Errors.NONE.code) {
      throw toKafkaError(answer.errorCode, answer.errorMessage ?? `coordinator of ${type} '${key}'`);
    }
    return this.#network.addCoordinator(answer);
  }

  async #request(type: CoordinatorType, key: string, timeoutMs: number): Promise<Answer> {
    const keyType = KEY_TYPES[type];
    const body = (version: number) =>
      version >= BATCH_VERSION ? { keyType, coordinatorKeys: [key] } : version === 0 ? { key } : { keyType, key };
    const response = await this.#network.request('any', Apis.FindCoordinator, body, { timeoutMs });
    const listed = response.coordinators.find((one) => one.key === key);
    return { ...(listed ?? response), rack: null };
  }
}
