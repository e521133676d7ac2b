/** The table of strange requests, sent to Apache Kafka 4.4.0: what it answers, and when it closes the connection. It keeps the table true. */
import { beforeAll, expect, test } from '@jest/globals';
import { Apis } from '#protocol';
import { abuses, type Outcome } from '../broker/protocol-abuse.ts';
import { encodedRequest } from '../broker/scene.ts';
import { TcpClient } from '../broker/tcp-client.ts';
import { type ApacheKafka, startApacheKafka } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';

/** Kafka neither answered nor closed. */
const PATIENCE_MS = 120_000;

const tend = tendBrokers();
let kafka: ApacheKafka;

beforeAll(async () => {
  kafka = await tend(startApacheKafka());
  const client = new TcpClient(portOf(kafka));
  const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
  client.socket.write(encodedRequest(Apis.CreateTopics, 5, { topics, timeoutMs: 30_000 }));
  await client.answers(1);
  client.socket.destroy();
});

test.each(abuses.map((row) => [row.what, row] as const))(
  '%s ends on Apache Kafka as the table says',
  async (_what, { bytes, kafka: expected }) => {
    expect(await outcomeOf(bytes)).toBe(expected);
  },
);

async function outcomeOf(bytes: readonly Buffer[]): Promise<Outcome | 'silent'> {
  const client = new TcpClient(portOf(kafka));
  for (const chunk of bytes) client.socket.write(chunk);
  const closed = client.closed.then(() => 'closed' as const);
  const answered = client.answers(1).then(
    () => client.answerCount,
    () => 'closed' as const,
  );
  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<'silent'>((resolve) => {
    timer = setTimeout(() => resolve('silent'), PATIENCE_MS);
  });
  const outcome = await Promise.race([answered, closed, silent]);
  clearTimeout(timer);
  client.socket.destroy();
  return outcome;
}

function portOf({ bootstrapServers }: ApacheKafka): number {
  return Number(bootstrapServers.split(':')[1]);
}
