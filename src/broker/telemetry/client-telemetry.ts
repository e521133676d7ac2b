/**
 * Who of the clients pushes which of its metrics, and when. A client asks what it is subscribed to, then pushes at the interval it was
 * told; whoever comes too early is refused. What a client is subscribed to has a number, so that it notices when that changes.
 *
 *     new ── get ──▶ subscribed ── push, once at once, then each interval ──▶ subscribed ── push, terminating ──▶ terminated
 *
 * A client that comes over another connection is a new one. Those that stay away for three intervals are forgotten. Times are monotonic
 * milliseconds. @see KIP-714
 */
import { crc32c, javaStringHash, type Uuid, ZERO_UUID } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import { ALL_METRICS, DEFAULT_INTERVAL_MS, type Subscription, type TelemetryClient } from './subscription.ts';

/** Kafka's limit. When it is reached, whoever was not heard of for the longest time is forgotten. */
const CLIENTS_MAX = 16_384;
const FORGET_MS_MIN = 60_000;
const FORGET_INTERVALS = 3;
const SWEEP_MS = 60_000;
/** Ids that no client has. */
const RESERVED_IDS: readonly Uuid[] = [ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ'];
/** As in a batch's attributes; the one that is liked most comes first. */
const COMPRESSION_TYPES: readonly number[] = [4, 3, 1, 2];
const COMPRESSION_TYPE_MAX = 4;

/** What a client is subscribed to. */
export interface Terms {
  readonly clientInstanceId: Uuid;
  readonly subscriptionId: number;
  readonly pushIntervalMs: number;
  /** Prefixes; `*` is everything, none nothing. */
  readonly requestedMetrics: readonly string[];
  readonly acceptedCompressionTypes: readonly number[];
}

export interface Push {
  readonly clientInstanceId: Uuid;
  readonly subscriptionId: number;
  readonly terminating: boolean;
  readonly compressionType: number;
  readonly bytes: number;
}

interface Instance {
  readonly connection: object;
  readonly client: TelemetryClient;
  terms: Terms;
  /** Of the subscriptions that `terms` follow from. */
  version: number;
  lastGetMs: number;
  lastPushMs: number;
  lastSeenMs: number;
  isTerminating: boolean;
}

export class ClientTelemetry {
  readonly #bytesMax: number;
  readonly #subscriptions = new Map<string, Subscription>();
  #version = 0;
  /** Those that were not heard of for the longest time come first. */
  readonly #instances = new Map<Uuid, Instance>();
  #sweptMs = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Clients that are known. */
  get clientCount(): number {
    return this.#instances.size;
  }

  /** Without a subscription the name is free. */
  setSubscription(name: string, subscription: Subscription | undefined): void {
    if (subscription === undefined) this.#subscriptions.delete(name);
    else this.#subscriptions.set(name, subscription);
    this.#version++;
  }

  /**
   * What a client is subscribed to, or why it is refused.
   *
   * @param connection the same object for what comes over one connection
   */
  get(client: TelemetryClient, connection: object, nowMs: number): Terms | KafkaErrorRow {
    const instance = this.#instance(client, connection, nowMs);
    if (nowMs - Math.max(instance.lastGetMs, instance.lastPushMs) < instance.terms.pushIntervalMs)
      return Errors.THROTTLING_QUOTA_EXCEEDED;
    instance.lastGetMs = nowMs;
    return instance.terms;
  }

  /** NONE when the metrics are welcome. */
  push(client: TelemetryClient, connection: object, push: Push, nowMs: number): KafkaErrorRow {
    if (RESERVED_IDS.includes(push.clientInstanceId)) return Errors.INVALID_REQUEST;
    const instance = this.#instance(client, connection, nowMs);
    const error = this.#refusal(instance, push, nowMs);
    instance.isTerminating = push.terminating;
    return error;
  }

  /** Whether the client may still push: until it is forgotten. */
  knows(clientInstanceId: Uuid): boolean {
    return this.#instances.has(clientInstanceId);
  }

  #refusal(instance: Instance, push: Push, nowMs: number): KafkaErrorRow {
    if (instance.isTerminating) return Errors.INVALID_REQUEST;
    const isDue =
      instance.lastGetMs > instance.lastPushMs || nowMs - instance.lastPushMs >= instance.terms.pushIntervalMs;
    if (isDue) instance.lastPushMs = nowMs;
    else if (!push.terminating) return Errors.THROTTLING_QUOTA_EXCEEDED;
    if (push.subscriptionId !== instance.terms.subscriptionId) return Errors.UNKNOWN_SUBSCRIPTION_ID;
    if (push.compressionType < 0 || push.compressionType > COMPRESSION_TYPE_MAX)
      return Errors.UNSUPPORTED_COMPRESSION_TYPE;
    return push.bytes > this.#bytesMax ? Errors.TELEMETRY_TOO_LARGE : Errors.NONE;
  }

  /** Changed subscriptions begin anew what a client may. */
  #instance(client: TelemetryClient, connection: object, nowMs: number): Instance {
    const id = client.client_instance_id;
    let instance = this.#instances.get(id);
    this.#instances.delete(id);
    if (instance === undefined || instance.connection !== connection || instance.version !== this.#version) {
      this.#makeRoom(nowMs);
      instance = {
        connection,
        client,
        terms: this.#terms(client),
        version: this.#version,
        lastGetMs: Number.NEGATIVE_INFINITY,
        lastPushMs: Number.NEGATIVE_INFINITY,
        lastSeenMs: nowMs,
        isTerminating: false,
      };
    }
    instance.lastSeenMs = nowMs;
    this.#instances.set(id, instance);
    return instance;
  }

  #terms(client: TelemetryClient): Terms {
    const matching = [...this.#subscriptions.values()].filter((subscription) => subscription.matches(client));
    const metrics = new Set(matching.flatMap((subscription) => subscription.metrics));
    const requestedMetrics = metrics.has(ALL_METRICS) ? [ALL_METRICS] : [...metrics].sort();
    const pushIntervalMs = Math.min(DEFAULT_INTERVAL_MS, ...matching.map(({ intervalMs }) => intervalMs));
    const text = Buffer.from(`${requestedMetrics.join(',')} ${pushIntervalMs}`);
    return {
      clientInstanceId: client.client_instance_id,
      subscriptionId: (crc32c(text) ^ javaStringHash(client.client_instance_id)) | 0,
      pushIntervalMs,
      requestedMetrics,
      acceptedCompressionTypes: COMPRESSION_TYPES,
    };
  }

  #makeRoom(nowMs: number): void {
    if (nowMs - this.#sweptMs >= SWEEP_MS) this.#sweep(nowMs);
    for (const id of this.#instances.keys()) {
      if (this.#instances.size < CLIENTS_MAX) return;
      this.#instances.delete(id);
    }
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs;
    for (const [id, { lastSeenMs, terms }] of this.#instances) {
      const patienceMs = Math.max(FORGET_MS_MIN, FORGET_INTERVALS * terms.pushIntervalMs);
      if (nowMs - lastSeenMs >= patienceMs) this.#instances.delete(id);
    }
  }
}
