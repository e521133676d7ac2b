/** Connections of the broker on a pipe, with handlers that the test answers itself. */
import { ManualClock } from '#core';
import { PipeNetwork } from '#net';
import { Apis } from '#protocol';
import { allowEveryone } from '../../../src/broker/authorizer.ts';
import { RequestMeter } from '../../../src/broker/meters/request-meter.ts';
import { ClientQuotas } from '../../../src/broker/quota/index.ts';
import { ByteBudget } from '../../../src/broker/server/byte-budget.ts';
import { ClientConnection } from '../../../src/broker/server/client-connection.ts';
import { PeerWarnings } from '../../../src/broker/server/peer-warnings.ts';
import { LATER, type RequestContext } from '../../../src/broker/server/request-context.ts';
import { RequestQuotas } from '../../../src/broker/server/request-quotas.ts';
import { route } from '../../../src/broker/server/route.ts';
import { RouteTable } from '../../../src/broker/server/route-table.ts';
import { LogBook, RawClient } from '../scene.ts';

const WINDOWS = { windowCount: 11, windowMs: 1000, controllerWindowCount: 11, controllerWindowMs: 1000 };
const RIGHTS = { operation: 'read', resource: 'cluster' } as const;

export interface ConnectionSceneOptions {
  readonly requestBytesMax?: number;
  readonly idleMsMax?: number;
  readonly requests?: ByteBudget;
  readonly replies?: ByteBudget;
  /** Called when a request begins; without it, or when it does nothing, the request waits in `begun`. */
  readonly begin?: (context: RequestContext) => void;
}

export class ConnectionScene {
  readonly clock = new ManualClock();
  readonly book = new LogBook();
  /** Requests whose handler was called, in that order. */
  readonly begun: RequestContext[] = [];
  /** The broker's side, in the order in which they came. */
  readonly connections: ClientConnection[] = [];
  closedCount = 0;
  client!: RawClient;
  readonly #network = new PipeNetwork(this.clock);

  static async start(options: ConnectionSceneOptions = {}): Promise<ConnectionScene> {
    const scene = new ConnectionScene();
    const handle = (context: RequestContext): typeof LATER => {
      scene.begun.push(context);
      options.begin?.(context);
      return LATER;
    };
    const requests = options.requests ?? new ByteBudget(Infinity);
    const replies = options.replies ?? new ByteBudget(Infinity);
    await scene.#network.listen('localhost', 9092, (connection) => {
      const opened = new ClientConnection(connection, 'PLAINTEXT', {
        quotas: new RequestQuotas(new ClientQuotas(WINDOWS), scene.clock),
        meter: new RequestMeter(),
        routes: new RouteTable(Object.values(Apis).map((api) => route(api as never, RIGHTS, handle))),
        authorizer: allowEveryone,
        clock: scene.clock,
        logger: scene.book.logger,
        warnings: new PeerWarnings(scene.clock, scene.book.logger),
        idleMsMax: options.idleMsMax ?? 600_000,
        requests,
        replies,
        requestBytesMax: options.requestBytesMax ?? 100_000_000,
        closed: () => scene.closedCount++,
      });
      scene.connections.push(opened);
    });
    scene.client = await scene.connect();
    return scene;
  }

  /** A further client. */
  async connect(): Promise<RawClient> {
    return new RawClient(await this.#network.connect('localhost', 9092));
  }

  /** The broker's side of the first client. */
  get connection(): ClientConnection {
    return this.connections[0];
  }

  /** Moves time on, second by second, looking at the connections each time as the server does. */
  async watch(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 1000) {
      await this.clock.advance(1000);
      for (const connection of this.connections) connection.check(this.clock.now().monotonicMs);
    }
    await this.clock.settle();
  }

  /** Sends, and waits until everything has come to rest. */
  async send(...requests: Buffer[]): Promise<void> {
    this.client.write(...requests);
    await this.clock.settle();
  }

  /** The correlation ids of the requests that were begun. */
  get begunIds(): number[] {
    return this.begun.map(({ correlationId }) => correlationId);
  }
}
