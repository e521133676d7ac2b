/** Producing and reading what was produced. */
import assert from 'node:assert/strict';
import type { ReadRecord, SentRecord } from '../agent.ts';
import { numbered, readAll, refusal, type Scenario } from '../scene.ts';

const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'] as const;
const TIME_MS = 1_790_000_000_000;
const valuesOf = (records: readonly ReadRecord[]) => records.map(({ value }) => value);

export const produceScenarios: readonly Scenario[] = [
  ...(['none', ...CODECS] as const).map(
    (codec): Scenario => ({
      name: `produce and read, ${codec}`,
      when: codec === 'snappy' || codec === 'lz4' ? 'nightly' : undefined,
      needs: ['produce', 'open', ...(codec === 'none' ? [] : [codec])],
      async play(scene) {
        const agent = await scene.agent();
        const topic = await scene.topic(2);
        const records = numbered(200, 2, 'a value that compresses '.repeat(5));
        const offsets = await agent.ask('produce', { topic, records, codec });
        if (offsets !== null)
          assert.deepEqual(
            offsets,
            records.map((_, n) => Math.floor(n / 2)),
          );
        const read = await readAll(agent, topic, 200, { partitions: 2 });
        assert.deepEqual(
          read.map(({ partition, key, value }) => ({ partition, key, value })),
          [0, 1].flatMap((partition) => records.filter((record) => record.partition === partition)),
        );
      },
    }),
  ),
  ...([0, 1] as const).map(
    (acks): Scenario => ({
      name: `produce with acks=${acks}`,
      when: acks === 1 ? 'nightly' : undefined,
      needs: ['produce', 'open'],
      async play(scene) {
        const agent = await scene.agent();
        const topic = await scene.topic();
        for (let n = 0; n < 3; n++) await agent.ask('produce', { topic, records: numbered(10, 1, `${n}`), acks });
        assert.equal((await readAll(agent, topic, 30)).length, 30);
      },
    }),
  ),
  {
    name: 'produce idempotently',
    needs: ['produce', 'open', 'idempotent'],
    async play(scene) {
      const agent = await scene.agent();
      const topic = await scene.topic();
      for (let n = 0; n < 10; n++) {
        await agent.ask('produce', { topic, records: numbered(50, 1, `${n}`), idempotent: true });
      }
      const expected = Array.from({ length: 10 }, (_, n) => numbered(50, 1, `${n}`).map(({ value }) => value)).flat();
      assert.deepEqual(valuesOf(await readAll(agent, topic, 500)), expected);
    },
  },
  {
    name: 'keys, headers, timestamps and nulls arrive as sent',
    needs: ['produce', 'open', 'timestamps', 'repeated-headers'],
    async play(scene) {
      const agent = await scene.agent();
      const topic = await scene.topic();
      const records: SentRecord[] = [
        { partition: 0, key: 'k', value: 'v', timestamp: TIME_MS, headers: [] },
        { partition: 0, key: null, value: 'no key', timestamp: TIME_MS + 1, headers: [['a', '1']] },
        { partition: 0, key: 'tombstone', value: null, timestamp: TIME_MS + 2, headers: [['a', '1'], ['a', '2'], ['ü', 'ö']] }, // biome-ignore format: one record a line
        { partition: 0, key: '', value: '', timestamp: TIME_MS + 3, headers: [['empty', '']] },
      ];
      await agent.ask('produce', { topic, records });
      return (await readAll(agent, topic, records.length)).map(({ topic: _, ...record }) => record);
    },
  },
  {
    name: 'the broker gives the time',
    needs: ['produce', 'open', 'timestamps'],
    async play(scene) {
      const agent = await scene.agent();
      const topic = await scene.topic(1, { 'message.timestamp.type': 'LogAppendTime' });
      await agent.ask('produce', { topic, records: [{ partition: 0, key: null, value: 'v', timestamp: TIME_MS }] });
      const [{ timestamp }] = await readAll(agent, topic, 1);
      assert.notEqual(timestamp, TIME_MS);
    },
  },
  {
    name: 'large messages, and one too large',
    needs: ['produce', 'open'],
    async play(scene) {
      const agent = await scene.agent();
      const topic = await scene.topic(1, { 'max.message.bytes': 5_000_000 });
      const record = (length: number): SentRecord => ({ partition: 0, key: null, value: 'x'.repeat(length) });
      for (const length of [900_000, 4_500_000, 10]) await agent.ask('produce', { topic, records: [record(length)] });
      const lengths = (await readAll(agent, topic, 3)).map(({ value }) => value?.length);
      assert.deepEqual(lengths, [900_000, 4_500_000, 10]);
      return refusal(agent.ask('produce', { topic, records: [record(6_000_000)] }));
    },
  },
  {
    name: 'read from an offset, the end and a time',
    needs: ['produce', 'open', 'timestamps'],
    async play(scene) {
      const agent = await scene.agent();
      const topic = await scene.topic();
      const at = (n: number): SentRecord => ({ partition: 0, key: null, value: `${n}`, timestamp: TIME_MS + n * 1000 });
      for (let n = 0; n < 10; n++) await agent.ask('produce', { topic, records: [at(n)] });
      assert.deepEqual(valuesOf(await readAll(agent, topic, 3, { at: 7 })), ['7', '8', '9']);
      assert.deepEqual(valuesOf(await readAll(agent, topic, 4, { at: { timestamp: TIME_MS + 5500 } })), ['6', '7', '8', '9']); // biome-ignore format: a line each
      await agent.ask('open', { topic, assign: [{ partition: 0, at: 'latest' }] });
      let { records: read } = await agent.ask('poll', { ms: 500 });
      assert.equal(read.length, 0);
      // Some clients look up the end later than they say: then it is one behind what is written first.
      for (let n = 10; read.length === 0; n++) {
        await agent.ask('produce', { topic, records: [at(n)] });
        ({ records: read } = await agent.ask('poll', { ms: 500 }));
      }
      assert.deepEqual(read.filter(({ value }) => Number(value) < 10), []); // biome-ignore format: a line each
      await agent.ask('close');
    },
  },
  {
    name: 'one consumer waits while another client writes',
    needs: ['produce', 'open'],
    async play(scene) {
      const [reader, writer] = [await scene.agent(0), await scene.agent(1)];
      const topic = await scene.topic();
      await reader.ask('open', { topic, assign: [{ partition: 0, at: 'earliest' }] });
      for (let n = 0; n < 5; n++) {
        const [{ records: early }] = await Promise.all([
          reader.ask('poll', { ms: 10_000 }),
          writer.ask('produce', { topic, records: numbered(1, 1, `${n}`) }),
        ]);
        let records = early;
        while (records.length === 0) ({ records } = await reader.ask('poll', { ms: 10_000 }));
        assert.deepEqual(valuesOf(records), [`${n}-0`]);
      }
      await reader.ask('close');
    },
  },
];
