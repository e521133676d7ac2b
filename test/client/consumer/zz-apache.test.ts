import { describe, jest } from '@jest/globals';
import { consumerSuite } from '../suite/consumer.ts';

jest.setTimeout(60_000);

describe('on Apache Kafka', () => {
  consumerSuite(async () => ({ bootstrapServers: '127.0.0.1:29592' }));
});
