import { afterAll, describe } from '@jest/globals';
import { Broker } from '#broker';
import { memoryDisk } from '#storage';
import { consumerSuite } from '../suite/consumer.ts';

describe('on our broker', () => {
  let broker: Broker | undefined;
  consumerSuite(async () => {
    broker = await Broker.start({ disk: memoryDisk(), config: { listeners: 'PLAINTEXT://127.0.0.1:0' } });
    return { bootstrapServers: broker.bootstrapServers, transport: broker.connect() };
  });
  // Runs after the suite's own.
  afterAll(() => broker?.close());
});
