/** Reading partitions assigned by hand: order, positions, seeks, pauses, time, codecs, refusals. */
import { describe, expect, it } from '@jest/globals';
import { at, type ConsumerScene, PATIENCE_MS, pollCount, valuesOf } from './consumer-scene.ts';

const HOUR_MS = 3_600_000;

export function readingTests(scene: () => ConsumerScene): void {
  describe('reads', () => {
    it('records in order, with everything they have', async () => {
      const topic = await scene().topic();
      const headers = [
        { key: 'trace', value: Buffer.from('1') },
        { key: 'trace', value: null },
      ];
      const timestamp = Date.now() - HOUR_MS;
      await scene().send(topic, 0, [
        { key: 'k', value: 'v', timestamp, headers },
        { key: null, value: null },
      ]);
      const consumer = scene().consumer();
      consumer.assign([at(topic)]);
      const [first, second] = await pollCount(consumer, 2);
      expect(first).toMatchObject({
        topic,
        partition: 0,
        offset: 0,
        timestamp,
        timestampType: 'create',
        key: 'k',
        value: 'v',
      });
      expect(first).toMatchObject({ serializedKeySize: 1, serializedValueSize: 1 });
      expect(first.headers.toArray()).toEqual(headers);
      expect(second).toMatchObject({
        offset: 1,
        key: null,
        value: null,
        serializedKeySize: -1,
        serializedValueSize: -1,
      });
    });

    it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('%s batches, over several of them', async (codec) => {
      const topic = await scene().topic();
      const values = Array.from({ length: 300 }, (_one, index) => `${codec} ${index} ${'x'.repeat(index)}`);
      for (let start = 0; start < values.length; start += 100)
        await scene().send(topic, 0, values.slice(start, start + 100), codec);
      const consumer = scene().consumer({ 'max.poll.records': 70 });
      consumer.assign([at(topic)]);
      expect(valuesOf(await pollCount(consumer, 300))).toEqual(values);
    });

    it('a batch that is larger than all limits', async () => {
      const topic = await scene().topic();
      await scene().send(topic, 0, ['x'.repeat(20_000), 'end']);
      const consumer = scene().consumer({ 'max.partition.fetch.bytes': 100, 'fetch.max.bytes': 100 });
      consumer.assign([at(topic)]);
      expect(valuesOf(await pollCount(consumer, 2)).map((value) => value.length)).toEqual([20_000, 3]);
    });

    it('all partitions assigned, and at most max.poll.records at a time', async () => {
      const topic = await scene().topic(3);
      for (const partition of [0, 1, 2])
        await scene().send(
          topic,
          partition,
          ['a', 'b', 'c'].map((one) => `${partition}${one}`),
        );
      const consumer = scene().consumer({ 'max.poll.records': 2 });
      consumer.assign([at(topic, 0), at(topic, 1), at(topic, 2)]);
      const records = await pollCount(consumer, 9);
      expect(valuesOf(records).sort()).toEqual(['0a', '0b', '0c', '1a', '1b', '1c', '2a', '2b', '2c']);
      for (const partition of [0, 1, 2]) {
        const offsets = records.filter((record) => record.partition === partition).map(({ offset }) => offset);
        expect(offsets).toEqual([0, 1, 2]);
      }
    });

    it('what is sent while poll waits, without waiting for the end of its time', async () => {
      const topic = await scene().topic();
      const consumer = scene().consumer({
        'fetch.max.wait.ms': 2 * PATIENCE_MS,
        'request.timeout.ms': 3 * PATIENCE_MS,
        'default.api.timeout.ms': 3 * PATIENCE_MS,
      });
      consumer.assign([at(topic)]);
      await consumer.position(at(topic));
      const poll = consumer.poll(PATIENCE_MS);
      await scene().send(topic, 0, ['now']);
      expect(valuesOf(await poll)).toEqual(['now']);
    });

    it('nothing of a topic that is empty, in the time given', async () => {
      const topic = await scene().topic();
      const consumer = scene().consumer();
      consumer.assign([at(topic)]);
      expect((await consumer.poll(200)).isEmpty()).toBe(true);
    });
  });

  describe('moves', () => {
    it('to an offset, to the beginning and to the end', async () => {
      const topic = await scene().topic();
      await scene().send(topic, 0, ['a', 'b', 'c', 'd']);
      const consumer = scene().consumer();
      consumer.assign([at(topic)]);
      await pollCount(consumer, 4);
      consumer.seek(at(topic), 2);
      expect(valuesOf(await pollCount(consumer, 2))).toEqual(['c', 'd']);
      consumer.seekToBeginning([at(topic)]);
      expect(await consumer.position(at(topic))).toBe(0);
      expect(valuesOf(await pollCount(consumer, 4))).toEqual(['a', 'b', 'c', 'd']);
      consumer.seekToEnd();
      expect(await consumer.position(at(topic))).toBe(4);
      await scene().send(topic, 0, ['e']);
      expect(valuesOf(await pollCount(consumer, 1))).toEqual(['e']);
    });

    it('back in the middle of reading, without a record of the old place', async () => {
      const topic = await scene().topic();
      await scene().send(
        topic,
        0,
        Array.from({ length: 50 }, (_one, index) => `${index}`),
      );
      const consumer = scene().consumer({ 'max.poll.records': 10 });
      consumer.assign([at(topic)]);
      await pollCount(consumer, 10);
      consumer.seek(at(topic), 5);
      const [first] = await pollCount(consumer, 10);
      expect(first.offset).toBe(5);
    });

    it('to a point in time', async () => {
      const topic = await scene().topic(2);
      const base = Date.now() - 10 * HOUR_MS;
      const records = [1, 2, 3].map((hour) => ({ value: `${hour}`, timestamp: base + hour * HOUR_MS }));
      for (const record of records) await scene().send(topic, 0, [record]);
      const consumer = scene().consumer();
      const found = await consumer.offsetsForTimes([
        [at(topic, 0), base + 2 * HOUR_MS - 1],
        [at(topic, 1), base],
      ]);
      expect(found.get(at(topic, 0))).toMatchObject({ offset: 1, timestamp: base + 2 * HOUR_MS });
      expect(found.get(at(topic, 1))).toBeNull();
      expect((await consumer.offsetsForTimes([[at(topic, 0), Date.now()]])).get(at(topic, 0))).toBeNull();
    });

    it('nowhere while paused, and goes on where it was', async () => {
      const topic = await scene().topic(2);
      const consumer = scene().consumer();
      consumer.assign([at(topic, 0), at(topic, 1)]);
      consumer.pause([at(topic, 0)]);
      await scene().send(topic, 0, ['paused']);
      await scene().send(topic, 1, ['open']);
      expect(valuesOf(await pollCount(consumer, 1))).toEqual(['open']);
      expect((await consumer.poll(300)).isEmpty()).toBe(true);
      expect(consumer.paused().map(String)).toEqual([`${topic}-0`]);
      consumer.resume([at(topic, 0)]);
      expect(valuesOf(await pollCount(consumer, 1))).toEqual(['paused']);
    });

    it('to where auto.offset.reset says when its offset does not exist', async () => {
      const topic = await scene().topic();
      await scene().send(topic, 0, ['a', 'b']);
      const consumer = scene().consumer({ 'auto.offset.reset': 'earliest' });
      consumer.assign([at(topic)]);
      consumer.seek(at(topic), 1_000);
      expect(valuesOf(await pollCount(consumer, 2))).toEqual(['a', 'b']);
    });

    it('nowhere by itself with auto.offset.reset=none', async () => {
      const topic = await scene().topic();
      const consumer = scene().consumer({ 'auto.offset.reset': 'none' });
      consumer.assign([at(topic)]);
      await expect(pollCount(consumer, 1)).rejects.toMatchObject({ code: 'NO_OFFSET_FOR_PARTITION' });
      consumer.seek(at(topic), 1_000);
      await expect(pollCount(consumer, 1)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    });

    it('to the end with auto.offset.reset=latest', async () => {
      const topic = await scene().topic();
      await scene().send(topic, 0, ['before']);
      const consumer = scene().consumer({ 'auto.offset.reset': 'latest' });
      consumer.assign([at(topic)]);
      expect(await consumer.position(at(topic))).toBe(1);
      await scene().send(topic, 0, ['after']);
      expect(valuesOf(await pollCount(consumer, 1))).toEqual(['after']);
    });

    it('to the first record that is young enough with auto.offset.reset=by_duration', async () => {
      const topic = await scene().topic();
      await scene().send(topic, 0, [{ value: 'old', timestamp: Date.now() - 2 * HOUR_MS }]);
      await scene().send(topic, 0, ['young']);
      const consumer = scene().consumer({ 'auto.offset.reset': 'by_duration:PT1H' });
      consumer.assign([at(topic)]);
      expect(valuesOf(await pollCount(consumer, 1))).toEqual(['young']);
    });
  });

  describe('tells', () => {
    it('where partitions begin and end, and how far behind it is', async () => {
      const topic = await scene().topic();
      await scene().send(topic, 0, ['a', 'b', 'c']);
      const consumer = scene().consumer({ 'max.poll.records': 1 });
      expect((await consumer.beginningOffsets([at(topic)])).get(at(topic))).toBe(0);
      expect((await consumer.endOffsets([at(topic)])).get(at(topic))).toBe(3);
      consumer.assign([at(topic)]);
      await pollCount(consumer, 1);
      expect(consumer.currentLag(at(topic))).toBe(2);
      expect(consumer.metrics()[`fetch.records-lag.${topic}-0`]).toBe(2);
    });

    it('what topics and partitions there are', async () => {
      const topic = await scene().topic(3);
      const consumer = scene().consumer({ 'allow.auto.create.topics': false });
      const partitions = await consumer.partitionsFor(topic);
      expect(partitions.map(({ partition }) => partition)).toEqual([0, 1, 2]);
      expect(partitions[0].inSyncReplicas).toContain(partitions[0].leader);
      expect((await consumer.listTopics()).get(topic)).toHaveLength(3);
      expect(await consumer.partitionsFor(scene().name('missing'))).toEqual([]);
    });

    it('that it was woken up', async () => {
      const topic = await scene().topic();
      const consumer = scene().consumer();
      consumer.assign([at(topic)]);
      const poll = consumer.poll(PATIENCE_MS);
      consumer.wakeup();
      await expect(poll).rejects.toMatchObject({ code: 'WAKEUP' });
      await scene().send(topic, 0, ['a']);
      expect(valuesOf(await pollCount(consumer, 1))).toEqual(['a']);
    });

    it('of a name that cannot be a topic', async () => {
      const consumer = scene().consumer();
      consumer.assign([at('not a topic')]);
      await expect(pollCount(consumer, 1)).rejects.toMatchObject({ code: 'INVALID_TOPIC_EXCEPTION' });
    });
  });
}
