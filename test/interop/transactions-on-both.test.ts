/** Transactions on Apache Kafka 4.4.0 and on our broker: the same requests get the same answers, and the same records are stored. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Broker, type BrokerName, bothBrokers, onBoth } from './kafka/brokers.ts';
import { storedBatches, storedStates } from './stored-transactions.ts';
import { Storyteller, tellAll } from './transaction-stories.ts';

/** What came of the stories on one broker. */
interface Told {
  readonly lines: readonly string[];
  readonly states: readonly string[];
  readonly batches: readonly string[];
  readonly offsets: readonly string[];
}

const brokers = bothBrokers();
let told: Record<BrokerName, Told>;

beforeAll(async () => {
  told = await onBoth((name) => tell(brokers[name]));
});

/** The broker ends with it. */
async function tell(broker: Broker): Promise<Told> {
  const teller = await Storyteller.connect(broker.bootstrapServers);
  await tellAll(teller);
  teller.close();
  await broker.stop();
  const numberOf = (producerId: number) => teller.numberOf(producerId);
  return {
    lines: teller.lines,
    states: storedStates(broker.dataFolder, numberOf),
    batches: storedBatches(broker.dataFolder, 'ledger', numberOf),
    offsets: storedBatches(broker.dataFolder, '__consumer_offsets', numberOf),
  };
}

describe('the same stories', () => {
  test('get the same answers', () => {
    expect(told.springtide.lines.length).toBeGreaterThan(150);
    expect(told.springtide.lines).toEqual(told['Apache Kafka'].lines);
  });

  test('leave the same records of transactions', () => {
    expect(told.springtide.states).toEqual(told['Apache Kafka'].states);
  });

  test('leave the same batches and markers', () => {
    expect(told.springtide.batches).toEqual(told['Apache Kafka'].batches);
  });

  test('leave the same batches of offsets', () => {
    expect(told.springtide.offsets).toEqual(told['Apache Kafka'].offsets);
  });
});
