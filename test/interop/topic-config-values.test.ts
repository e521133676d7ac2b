/** The table of values for topic configs, handed to Apache Kafka 4.4.0 and to our broker by CreateTopics that only validates. */
import { describe, expect, test } from '@jest/globals';
import { silentLogger, systemClock } from '#core';
import { RequestChannel, tcpTransport } from '#net';
import { Apis, errorByCode } from '#protocol';
import { configConflicts, configPairs, configValues, type ValueRow } from '../storage/topic-config-values.ts';
import { type Broker, bothBrokers } from './kafka/brokers.ts';

type Configs = Readonly<Record<string, string>>;

const single: readonly Configs[] = Object.entries(configValues).flatMap(([name, { taken, refused }]) =>
  [...taken, ...refused].map((value) => ({ [name]: value })),
);
const asked = [...single, ...configConflicts, ...configPairs];

/** What each is answered, in the order of `asked`; one request a topic, since a request names a topic once. */
async function askAll({ bootstrapServers }: Broker): Promise<string[]> {
  const [host, port] = bootstrapServers.split(':');
  const connection = await tcpTransport().connect(host, Number(port));
  const channel = new RequestChannel(connection, { clientId: 'values', clock: systemClock, logger: silentLogger });
  const topics = asked.map((configs, index) => ({
    name: `values-${index}`,
    numPartitions: 1,
    replicationFactor: 1,
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  }));
  const body = { topics, timeoutMs: 30_000, validateOnly: true };
  const answer = await channel.send(Apis.CreateTopics, 7, body, { timeoutMs: 60_000 });
  channel.close();
  const errors = new Map(answer.topics.map(({ name, errorCode }) => [name, errorByCode(errorCode).name]));
  return asked.map((configs, index) => `${JSON.stringify(configs)} ${errors.get(`values-${index}`)}`);
}

function expected(isTaken: (row: ValueRow, value: string) => boolean): string[] {
  const rows = configValues as Readonly<Record<string, ValueRow>>;
  return asked.map((configs) => {
    const [[name, value], ...others] = Object.entries(configs);
    const isFine = others.length === 0 ? isTaken(rows[name], value) : configPairs.includes(configs);
    return `${JSON.stringify(configs)} ${isFine ? 'NONE' : 'INVALID_CONFIG'}`;
  });
}

describe('values of topic configs', () => {
  const brokers = bothBrokers();

  test('are taken and refused by Apache Kafka as the table says', async () => {
    expect(await askAll(brokers['Apache Kafka'])).toEqual(expected(({ taken }, value) => taken.includes(value)));
  });

  test('are taken and refused by us as the table says', async () => {
    expect(await askAll(brokers.springtide)).toEqual(
      expected(
        ({ taken, weTake = [], weRefuse = [] }, value) =>
          weTake.includes(value) || (taken.includes(value) && !weRefuse.includes(value)),
      ),
    );
  });
});
