/** One connection of the broker on a pipe, with handlers that the test answers itself. */
import { ManualClock } from '#core';
import { PipeNetwork } from '#net';
import { Apis } from '#protocol';
import { allowEveryone } from '../../../src/broker/authorizer.ts';
import type { BrokerParts } from '../../../src/broker/broker-parts.ts';
import { ClientQuotas } from '../../../src/broker/quota/index.ts';
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
  /** Called when a request begins; without it, or when it does nothing, the request waits in `begun`. */
  readonly begin?: (context: RequestContext) => void;
}

export class ConnectionScene {
  readonly clock = new ManualClock();
  readonly book = new LogBook();
  /** Requests whose handler was called, in that order. */
  readonly begun: RequestContext[] = [];
  closedCount = 0;
  client!: RawClient;
  connection!: ClientConnection;

  static async start(options: ConnectionSceneOptions = {}): Promise<ConnectionScene> {
    const scene = new ConnectionScene();
    const network = new PipeNetwork(scene.clock);
    const handle = (_broker: unknown, context: RequestContext): typeof LATER => {
      scene.begun.push(context);
      options.begin?.(context);
      return LATER;
    };
    await network.listen('localhost', 9092, (connection) => {
      scene.connection = new ClientConnection(connection, 'PLAINTEXT', {
        broker: { quotas: new RequestQuotas(new ClientQuotas(WINDOWS), scene.clock) } as BrokerParts,
        routes: new RouteTable(Object.values(Apis).map((api) => route(api as never, RIGHTS, handle))),
        authorizer: allowEveryone,
        clock: scene.clock,
        logger: scene.book.logger,
        warnings: new PeerWarnings(scene.clock, scene.book.logger),
        requestBytesMax: options.requestBytesMax ?? 100_000_000,
        closed: () => scene.closedCount++,
      });
    });
    scene.client = new RawClient(await network.connect('localhost', 9092));
    return scene;
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
