/**
 * The doors of the broker: one acceptor a listener (TCP, and the in-process pipe under the same addresses), and the connections that
 * came in: how many there may be (those that come too early wait here, as in the backlog of a socket), what they hold together, and how
 * they do. Stopping: `end`, then whatever waits is answered, `finished`, `close`.
 */
import { type Clock, Deferred, type Logger, type Timer } from '#core';
import type { Acceptor, Connection, Listening } from '#net';
import type { Authorizer } from '../authorizer.ts';
import type { RequestMeter } from '../meters/request-meter.ts';
import { ByteBudget } from './byte-budget.ts';
import { ClientConnection, type ConnectionServices, hostOf } from './client-connection.ts';
import { ConnectionGate, type ConnectionLimits } from './connection-limits.ts';
import type { ListenerPlan } from './listener-address.ts';
import { type OpenListener, openListener } from './open-listener.ts';
import { PeerWarnings } from './peer-warnings.ts';
import type { RequestQuotas } from './request-quotas.ts';
import type { RouteTable } from './route-table.ts';
import { ThrottledArrivals } from './throttled-arrivals.ts';

/** How often the connections are looked at, at most. */
const CHECK_MS = 1000;
/** A client that has not read for so long is closed when replies have used up their memory. */
const EVICTION_MS = 1000;
/** Connections that may come while the broker starts. */
const STARTING_COUNT_MAX = 10_000;
/** A connection waits for room no longer. */
const WAIT_MS = 30_000;
/** Requests that were begun have so long to be answered when the broker stops. */
const STOP_MS = 5_000;

export interface ServerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly authorizer: Authorizer;
  readonly requestBytesMax: number;
  readonly limits: ConnectionLimits;
  /** Connections that may wait for room. */
  readonly backlogCount: number;
  readonly idleMsMax: number;
  /** -1: without limit. */
  readonly requestBytesOfAllMax: number;
  readonly replyBytesOfAllMax: number;
}

/** Who answers requests, and who counts them. */
export interface Service {
  readonly routes: RouteTable;
  readonly quotas: RequestQuotas;
  readonly meter: RequestMeter;
}

interface Arrival {
  readonly connection: Connection;
  readonly ip: string;
  readonly listenerName: string;
  readonly cameMs: number;
}

export class Server {
  readonly listeners: OpenListener[] = [];
  readonly #options: ServerOptions;
  readonly #doors: Listening[] = [];
  readonly #connections = new Set<ClientConnection>();
  readonly #warnings: PeerWarnings;
  readonly #gate: ConnectionGate;
  readonly #throttled: ThrottledArrivals;
  readonly #requests: ByteBudget;
  readonly #replies: ByteBudget;
  #services: ConnectionServices | undefined;
  /** Connections that were opened, ever. */
  openedCount = 0;
  /** First come, first served. */
  #waiting: Arrival[] = [];
  #waitTimer: Timer | undefined;
  #checkTimer: Timer | undefined;
  #isEnding = false;
  #finished: Deferred<void> | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#warnings = new PeerWarnings(options.clock, options.logger);
    this.#gate = new ConnectionGate(options.limits);
    this.#throttled = new ThrottledArrivals(options.clock);
    this.#requests = new ByteBudget(options.requestBytesOfAllMax < 0 ? Infinity : options.requestBytesOfAllMax);
    this.#replies = new ByteBudget(options.replyBytesOfAllMax);
  }

  /** Open connections by listener. */
  get connectionCounts(): ReadonlyMap<string, number> {
    const counts = new Map(this.listeners.map(({ name }) => [name, 0]));
    for (const { listenerName } of this.#connections) counts.set(listenerName, (counts.get(listenerName) ?? 0) + 1);
    return counts;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /**
   * Opens every listener on the first acceptor and, under the same addresses, on the further ones. Connections wait until `serve`.
   *
   * @throws KafkaError NETWORK_EXCEPTION when an address cannot be bound; the text says what to do
   */
  async open(plans: readonly ListenerPlan[], acceptors: readonly Acceptor[]): Promise<void> {
    const { logger } = this.#options;
    for (const plan of plans) {
      const accept = (connection: Connection) => this.#accept(connection, plan.bind.name);
      this.listeners.push(await openListener(plan, acceptors, { accept, logger, doors: this.#doors }));
    }
  }

  /** Begins to answer. */
  serve({ routes, quotas, meter }: Service): void {
    const { clock, logger, authorizer, requestBytesMax, idleMsMax } = this.#options;
    this.#services = {
      routes,
      quotas,
      meter,
      authorizer,
      clock,
      logger,
      warnings: this.#warnings,
      requestBytesMax,
      idleMsMax,
      requests: this.#requests,
      replies: this.#replies,
      closed: (connection) => this.#closed(connection),
    };
    this.#admitWaiting();
    this.#checkRegularly(Math.max(1, Math.min(CHECK_MS, idleMsMax / 2)));
  }

  /** Limits that hold from now on; nobody who is connected is closed for them. */
  setLimits(limits: ConnectionLimits): void {
    this.#gate.limits = limits;
    this.#admitWaiting();
  }

  /** Takes no further connections and no further requests. Idempotent. */
  async end(): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#checkTimer?.cancel();
    this.#waitTimer?.cancel();
    this.#throttled.end();
    await Promise.all(this.#doors.map((door) => door.close()));
    for (const { connection } of this.#waiting.splice(0)) connection.close();
    for (const connection of [...this.#connections]) connection.end();
  }

  /** Fulfilled when every request that was begun is answered and its answer read, or `STOP_MS` later. Call `end` before. */
  async finished(): Promise<void> {
    if (this.#connections.size === 0) return;
    this.#finished = new Deferred();
    const timer = this.#options.clock.setTimer(STOP_MS, () => this.#finished!.resolve(undefined), { unref: true });
    await this.#finished.promise;
    timer.cancel();
  }

  /** Ends what is left. Idempotent. */
  async close(): Promise<void> {
    await this.end();
    for (const connection of [...this.#connections]) connection.close();
  }

  #accept(connection: Connection, listenerName: string): void {
    const { clock, backlogCount } = this.#options;
    const ip = hostOf(connection.remoteAddress);
    if (this.#isEnding) {
      connection.close();
      return;
    }
    const admission = this.#gate.admitsAddress(ip);
    if (admission.type === 'refused') {
      this.#refuse(connection, admission.key);
    } else if (this.#waiting.length >= (this.#services === undefined ? STARTING_COUNT_MAX : backlogCount)) {
      this.#refuse(connection, `${this.#waiting.length} connections wait already (socket.listen.backlog.size).`);
    } else if (!this.#throttles(connection, ip)) {
      this.#gate.came(ip);
      const arrival = { connection, ip, listenerName, cameMs: clock.monotonicMs() };
      this.#waiting.push(arrival);
      this.#admitWaiting();
      if (this.#waiting.at(-1) === arrival) this.#tellWaiting(arrival);
    }
  }

  /** Whether the address has opened too many of late. */
  #throttles(connection: Connection, ip: string): boolean {
    const delayMs = this.#services?.quotas.connectionDelayMs(ip) ?? 0;
    if (delayMs === 0) return false;
    const peer = connection.remoteAddress;
    this.#warnings.warn(
      { peer },
      `Connection of ${peer} refused: the quota connection_creation_rate of ${ip} is used up`,
    );
    this.#throttled.closeAfter(delayMs, connection);
    return true;
  }

  /** Opens those for whom there is room, and comes back when it is time for the next one. */
  #admitWaiting(): void {
    if (this.#services === undefined || this.#isEnding) return;
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const waiting = this.#waiting;
    this.#waiting = [];
    let nextMs = Infinity;
    for (const arrival of waiting) {
      const admission = this.#gate.admits(arrival.listenerName, nowMs);
      if (admission.type === 'open') {
        this.#gate.opened(arrival.listenerName, nowMs);
        this.openedCount++;
        this.#connections.add(new ClientConnection(arrival.connection, arrival.listenerName, this.#services));
      } else if (nowMs - arrival.cameMs >= WAIT_MS) {
        this.#gate.left(arrival.ip);
        this.#refuse(arrival.connection, `${admission.key}, and waited for ${WAIT_MS / 1000} s`);
      } else {
        this.#waiting.push(arrival);
        if (admission.type === 'wait') nextMs = Math.min(nextMs, admission.waitMs);
      }
    }
    this.#waitTimer?.cancel();
    if (nextMs < Infinity) this.#waitTimer = clock.setTimer(nextMs, () => this.#admitWaiting(), { unref: true });
  }

  #tellWaiting({ connection, listenerName, cameMs }: Arrival): void {
    if (this.#services === undefined) return;
    const peer = connection.remoteAddress;
    const admission = this.#gate.admits(listenerName, cameMs);
    const why = admission.type === 'open' ? 'others came before' : admission.key;
    this.#warnings.warn({ peer }, `Connection of ${peer} has to wait: ${why}`);
  }

  #refuse(connection: Connection, why: string): void {
    const peer = connection.remoteAddress;
    this.#warnings.warn({ peer }, `Connection of ${peer} refused: ${why}`);
    connection.close();
  }

  #closed(connection: ClientConnection): void {
    this.#connections.delete(connection);
    this.#gate.closed(connection.listenerName);
    this.#gate.left(connection.clientHost);
    if (this.#waiting.length > 0) this.#admitWaiting();
    if (this.#connections.size === 0) this.#finished?.resolve(undefined);
  }

  #checkRegularly(intervalMs: number): void {
    const { clock } = this.#options;
    this.#checkTimer = clock.setTimer(
      intervalMs,
      () => {
        const nowMs = clock.monotonicMs();
        for (const connection of [...this.#connections]) connection.check(nowMs);
        if (this.#replies.isFull) this.#evict(nowMs);
        if (this.#waiting.length > 0) this.#admitWaiting();
        this.#checkRegularly(intervalMs);
      },
      { unref: true },
    );
  }

  /** Those who do not read hold everybody up: they go, the greatest first, until half of the memory is free. */
  #evict(nowMs: number): void {
    const stuck = [...this.#connections]
      .map((connection) => ({ connection, bytes: connection.unreadBytes(nowMs, EVICTION_MS) }))
      .filter(({ bytes }) => bytes > 0)
      .sort((a, b) => b.bytes - a.bytes);
    for (const { connection, bytes } of stuck) {
      if (this.#replies.usedBytes < this.#replies.bytesMax / 2) return;
      connection.drop(
        `it does not read ${bytes} bytes of its replies, and all connections together hold more than springtide.broker.queued.reply.bytes.max=${this.#replies.bytesMax}`,
      );
    }
  }
}
