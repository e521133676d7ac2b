/** Keys of server.properties do what they say: those of connections. */
import { describe, expect, it } from '@jest/globals';
import { Broker } from '#broker';
import { Apis } from '#protocol';
import { memoryDisk } from '#storage';
import { encodedRequest, RawClient, type Scene } from '../scene.ts';
import { TcpClient } from '../tcp-client.ts';
import { testKeys } from './key-rows.ts';

/** Of three further connections, each with a request: `served`, `waits` or `closed`. */
async function three(scene: Scene): Promise<string> {
  // That second is over which the connection that has made the topics counts in.
  await scene.clock.advance(1000);
  const clients: RawClient[] = [];
  for (let count = 0; count < 3; count++) {
    const client = new RawClient(await scene.raw());
    client.write(encodedRequest(Apis.ApiVersions, 0, {}, 1));
    clients.push(client);
  }
  await scene.clock.settle();
  return clients
    .map(({ isClosed, correlationIds }) => (isClosed ? 'closed' : correlationIds.length > 0 ? 'served' : 'waits'))
    .join(' ');
}

// One connection is there already.
const limits = [
  ['max.connections', 3, 'served served waits'],
  ['max.connections.per.ip', 3, 'served served closed'],
  ['max.connection.creation.rate', 2, 'served served waits'],
  ['listener.name.plaintext.max.connections', 3, 'served served waits'],
  ['listener.name.plaintext.max.connection.creation.rate', 2, 'served served waits'],
] as const;

describe('a key of server.properties', () => {
  testKeys(
    limits.map(([key, value, changed]) => ({
      key,
      value,
      ask: three,
      usually: 'served served served',
      changed,
      isDynamic: true,
    })),
  );

  it('max.connections.per.ip.overrides holds for its address', async () => {
    const ask = encodedRequest(Apis.ApiVersions, 0, {}, 1);
    const listeners = 'PLAINTEXT://127.0.0.1:0';
    const served = async (config: Record<string, unknown>): Promise<string[]> => {
      const broker = await Broker.start({ disk: memoryDisk(), config: { listeners, ...config } });
      const outcomes: string[] = [];
      const clients: TcpClient[] = [];
      for (let count = 0; count < 2; count++) {
        const client = new TcpClient(broker.port);
        clients.push(client);
        client.socket.write(ask);
        outcomes.push(
          await client.answers(1).then(
            () => 'served',
            () => 'closed',
          ),
        );
      }
      for (const { socket } of clients) socket.destroy();
      await broker.close();
      return outcomes;
    };
    const key = 'max.connections.per.ip.overrides';
    expect(await served({})).toEqual(['served', 'served']);
    expect(await served({ [key]: '127.0.0.1:1' })).toEqual(['served', 'closed']);
  });
});
