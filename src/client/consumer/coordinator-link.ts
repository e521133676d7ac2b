/**
 * Where the group's coordinator is: looked for when needed, shared by membership and commits, forgotten when it says it is none or
 * its connection breaks. Whoever learns something tells the link; the link tells the membership.
 */
import { type Clock, KafkaError } from '#core';
import type { Api, Infer, MessageSchema } from '#protocol';
import type { RequestBody } from '../broker-node.ts';
import type { Cluster } from '../cluster.ts';
import { beforeDeadline } from '../deadline.ts';
import type { ClusterRequestOptions } from '../network-client.ts';

export interface CoordinatorLinkOptions {
  readonly cluster: Cluster;
  readonly groupId: string;
  readonly clock: Clock;
  /** How long a look-up that nobody in particular waits for may take, ms. */
  readonly lookupTimeoutMs: number;
}

export class CoordinatorLink {
  readonly groupId: string;
  readonly #options: CoordinatorLinkOptions;
  #node: number | undefined;
  /** Told of every coordinator found, and why one was given up. Set by the membership's shell. */
  onFound: () => void = () => {};
  onLost: (reason: string) => void = () => {};

  constructor(options: CoordinatorLinkOptions) {
    this.#options = options;
    this.groupId = options.groupId;
  }

  get isKnown(): boolean {
    return this.#node !== undefined;
  }

  /**
   * The coordinator's node, asked for until `deadlineMs` (monotonic).
   *
   * @throws KafkaError retriable when there is none in time; GROUP_AUTHORIZATION_FAILED, INVALID_GROUP_ID, … at once
   */
  async find(deadlineMs?: number): Promise<number> {
    if (this.#node !== undefined) return this.#node;
    const { cluster, clock, lookupTimeoutMs } = this.#options;
    const untilMs = deadlineMs ?? clock.now().monotonicMs + lookupTimeoutMs;
    // A look-up under way is shared, and may have more time than this caller.
    const lookup = cluster.findCoordinator('group', this.groupId, untilMs);
    const node = await beforeDeadline(clock, lookup, untilMs, () => lateAnswer(this.groupId));
    if (this.#node === undefined) {
      this.#node = node;
      this.onFound();
    }
    return this.#node;
  }

  /** Forgets the coordinator, and tells the membership. */
  lose(reason: string): void {
    if (this.#node === undefined) return;
    this.#node = undefined;
    this.onLost(reason);
  }

  /** Forgets it at the membership's own wish. */
  forget(): void {
    this.#node = undefined;
  }

  /** Sends a request to the coordinator, which is looked for if necessary. A connection that fails loses it. */
  async request<Request extends MessageSchema, Response extends MessageSchema>(
    api: Api<Request, Response>,
    body: RequestBody<Request>,
    options: ClusterRequestOptions & { deadlineMs?: number },
  ): Promise<Infer<Response>> {
    const node = this.#node ?? (await this.find(options.deadlineMs));
    try {
      return await this.#options.cluster.request(node, api, body, options);
    } catch (error) {
      if (error instanceof KafkaError && error.retriable && node === this.#node) this.lose(error.message);
      throw error;
    }
  }

  /** LeaveGroup past a JoinGroup that the coordinator holds back: on the broker's other connection, not behind it. */
  requestBeside<Request extends MessageSchema, Response extends MessageSchema>(
    api: Api<Request, Response>,
    body: RequestBody<Request>,
    options: ClusterRequestOptions,
  ): Promise<Infer<Response>> {
    const { cluster } = this.#options;
    if (this.#node === undefined) return this.request(api, body, options);
    return cluster.request(cluster.brokerIdOf(this.#node), api, body, options);
  }
}

function lateAnswer(groupId: string): KafkaError {
  return new KafkaError(
    'COORDINATOR_NOT_AVAILABLE',
    `the coordinator of group '${groupId}' could not be found in time`,
    {
      retriable: true,
    },
  );
}
