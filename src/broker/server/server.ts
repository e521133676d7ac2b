/**
 * The doors of the broker: one acceptor a listener (TCP, and the in-process pipe under the same addresses), the connections that came
 * in, their number and their idleness.
 */
import { type Clock, errorText, KafkaError, type Logger, type Timer } from '#core';
import { type Acceptor, addressText, type Connection, type Listening } from '#net';
import type { Authorizer } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import { ClientConnection, type ConnectionServices } from './client-connection.ts';
import { isWildcardHost, type ListenerPlan } from './listener-address.ts';
import { PeerWarnings } from './peer-warnings.ts';
import type { RouteTable } from './route-table.ts';

/** How often idle connections are looked for, at most. */
const IDLE_CHECK_MS_MAX = 10_000;

/** One open listener. */
export interface OpenListener {
  readonly name: string;
  /** What was bound. */
  readonly host: string;
  readonly port: number;
  /** What clients are told. */
  readonly advertisedHost: string;
  readonly advertisedPort: number;
}

export interface ServerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly routes: RouteTable;
  readonly authorizer: Authorizer;
  readonly requestBytesMax: number;
  readonly connectionCountMax: number;
  readonly idleMsMax: number;
}

export class Server {
  readonly listeners: OpenListener[] = [];
  readonly #options: ServerOptions;
  readonly #doors: Listening[] = [];
  readonly #connections = new Set<ClientConnection>();
  readonly #warnings: PeerWarnings;
  #services: ConnectionServices | undefined;
  #waiting: { connection: Connection; listenerName: string }[] = [];
  #idleTimer: Timer | undefined;
  #isClosed = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#warnings = new PeerWarnings(options.clock, options.logger);
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
    for (const plan of plans) await this.#openListener(plan, acceptors);
  }

  /** Begins to answer. */
  serve(broker: BrokerParts): void {
    const { clock, logger, routes, authorizer, requestBytesMax, idleMsMax } = this.#options;
    const closed = (connection: ClientConnection) => void this.#connections.delete(connection);
    this.#services = { broker, routes, authorizer, clock, logger, warnings: this.#warnings, requestBytesMax, closed };
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { connection, listenerName } of waiting) this.#accept(connection, listenerName);
    this.#checkIdle(Math.min(IDLE_CHECK_MS_MAX, idleMsMax / 2));
  }

  /** Takes no further connections and ends those there are. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#idleTimer?.cancel();
    await Promise.all(this.#doors.map((door) => door.close()));
    for (const { connection } of this.#waiting) connection.close();
    for (const connection of [...this.#connections]) connection.close();
  }

  async #openListener({ bind, advertised }: ListenerPlan, acceptors: readonly Acceptor[]): Promise<void> {
    const accept = (connection: Connection) => this.#accept(connection, bind.name);
    let { host, port } = bind;
    for (const acceptor of acceptors) {
      const door = await listen(acceptor, host, port, accept);
      this.#doors.push(door);
      ({ host } = bind);
      ({ port } = door);
    }
    const reachable = isWildcardHost(host) ? 'localhost' : host;
    if (isWildcardHost(host) && advertised === undefined) {
      this.#options.logger.warn(
        `Listener ${bind.name} is open on every interface, but clients are told localhost:${port}. Set advertised.listeners to the name by which other machines reach this one.`,
      );
    }
    this.listeners.push({
      name: bind.name,
      host,
      port,
      advertisedHost: advertised?.host ?? reachable,
      advertisedPort: advertised === undefined || advertised.port === 0 ? port : advertised.port,
    });
  }

  #accept(connection: Connection, listenerName: string): void {
    const { connectionCountMax } = this.#options;
    if (this.#isClosed) {
      connection.close();
    } else if (this.#connections.size + this.#waiting.length >= connectionCountMax) {
      this.#warnings.warn(
        { peer: connection.remoteAddress },
        `Connection of ${connection.remoteAddress} refused: max.connections=${connectionCountMax} are open.`,
      );
      connection.close();
    } else if (this.#services === undefined) {
      this.#waiting.push({ connection, listenerName });
    } else {
      this.#connections.add(new ClientConnection(connection, listenerName, this.#services));
    }
  }

  #checkIdle(intervalMs: number): void {
    const { clock, logger, idleMsMax } = this.#options;
    const check = () => {
      const oldestMs = clock.now().monotonicMs - idleMsMax;
      for (const connection of [...this.#connections]) {
        if (!connection.isIdle || connection.lastActiveMs > oldestMs) continue;
        logger.debug({ peer: connection.remoteAddress }, `Connection of ${connection.remoteAddress} closed: idle.`);
        connection.close();
      }
      this.#idleTimer = clock.setTimer(intervalMs, check, { unref: true });
    };
    this.#idleTimer = clock.setTimer(intervalMs, check, { unref: true });
  }
}

async function listen(
  acceptor: Acceptor,
  host: string,
  port: number,
  accept: (connection: Connection) => void,
): Promise<Listening> {
  try {
    return await acceptor.listen(host, port, accept);
  } catch (error) {
    throw new KafkaError('NETWORK_EXCEPTION', bindFailure(host, port, error), { cause: error, retriable: false });
  }
}

function bindFailure(host: string, port: number, error: unknown): string {
  const where = addressText(host, port);
  const cause = Error.isError(error) ? (error.cause as { code?: string } | undefined) : undefined;
  switch (cause?.code) {
    case 'EADDRINUSE':
      return `The address ${where} is in use by another program (perhaps another broker). Stop it, or choose another port with listeners=PLAINTEXT://127.0.0.1:PORT (0 takes a free one).`;
    case 'EACCES':
      return `This user may not listen on ${where}. Choose a port above 1023 with the key listeners.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `This machine has no address ${where}. Name one of its own in the key listeners; advertised.listeners is for what clients are told.`;
    default:
      return `Cannot listen on ${where}: ${errorText(error)}`;
  }
}
