/** Consumer groups: joining, sharing, rebalancing both ways, patterns, static members. */
import { describe, expect, it } from '@jest/globals';
import type { KafkaConsumer } from '../../../src/client/consumer/index.ts';
import { type ConsumerScene, pollCount, pollTogether, pollUntil, RebalanceDiary, valuesOf } from './consumer-scene.ts';

type TextConsumer = KafkaConsumer<string, string>;

const STRATEGIES = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const;

export function groupTests(scene: () => ConsumerScene): void {
  /** Joins one more consumer to the group. */
  function join(
    groupId: string,
    topics: string[] | RegExp,
    config: Record<string, unknown> = {},
  ): [TextConsumer, RebalanceDiary] {
    const consumer = scene().consumer({ 'group.id': groupId, ...config });
    const diary = new RebalanceDiary();
    consumer.subscribe(topics, diary);
    return [consumer, diary];
  }

  const partitionsOf = (consumer: TextConsumer) =>
    consumer
      .assignment()
      .map(({ partition }) => partition)
      .sort();

  describe('in a group', () => {
    it('gets all partitions when it is alone, and reads from the beginning', async () => {
      const topic = await scene().topic(3);
      for (const partition of [0, 1, 2]) await scene().send(topic, partition, [`${partition}`]);
      const [consumer, diary] = join(scene().name('group'), [topic]);
      expect(valuesOf(await pollCount(consumer, 3)).sort()).toEqual(['0', '1', '2']);
      expect(diary.entries).toEqual(['assigned 0,1,2']);
      expect(consumer.groupMetadata()).toMatchObject({ generationId: 1, memberId: expect.stringMatching(/.+/) });
    });

    it.each(STRATEGIES)('shares its partitions with a second one, and gets them back (%s)', async (strategy) => {
      const topic = await scene().topic(4);
      const groupId = scene().name('group');
      const config = { 'partition.assignment.strategy': strategy };
      const [first, firstDiary] = join(groupId, [topic], config);
      await pollUntil(first, () => first.assignment().length === 4);
      const [second] = join(groupId, [topic], config);
      await pollTogether([first, second], () => first.assignment().length === 2 && second.assignment().length === 2);
      expect([...partitionsOf(first), ...partitionsOf(second)].sort()).toEqual([0, 1, 2, 3]);
      await second.close();
      await pollUntil(first, () => first.assignment().length === 4);
      const revocations = firstDiary.entries.filter((entry) => entry.startsWith('revoked'));
      if (strategy === 'cooperative-sticky') expect(revocations.map((entry) => entry.split(',').length)).toEqual([2]);
      else expect(revocations[0]).toBe('revoked 0,1,2,3');
    });

    it.each(['range', 'cooperative-sticky'])(
      'reads every record once although members come and go (%s)',
      async (strategy) => {
        const topic = await scene().topic(4);
        const groupId = scene().name('group');
        const config = { 'partition.assignment.strategy': strategy, 'max.poll.records': 5 };
        const read: string[] = [];
        const visit = ({ value }: { value: string }) => void read.push(value);
        const sent: string[] = [];
        const send = async (round: number) => {
          for (const partition of [0, 1, 2, 3]) {
            const values = Array.from({ length: 20 }, (_one, index) => `${round}.${partition}.${index}`);
            sent.push(...values);
            await scene().send(topic, partition, values);
          }
        };
        await send(0);
        const [first] = join(groupId, [topic], config);
        await pollTogether([first], () => read.length >= 30, visit);
        const [second] = join(groupId, [topic], config);
        await pollTogether(
          [first, second],
          () => second.assignment().length === 2 && first.assignment().length === 2,
          visit,
        );
        await send(1);
        await pollTogether([first, second], () => read.length >= 120, visit);
        await first.close();
        await send(2);
        await pollTogether([second], () => read.length >= 240, visit);
        expect(read.toSorted()).toEqual(sent.toSorted());
      },
    );

    it('takes up a topic that a pattern matches when it appears', async () => {
      const prefix = scene().name('pattern');
      await scene().topic(1, `${prefix}-1`);
      const [consumer] = join(scene().name('group'), new RegExp(`^${prefix}-\\d$`), { 'metadata.max.age.ms': 300 });
      await pollUntil(consumer, () => consumer.assignment().length === 1);
      await scene().topic(2, `${prefix}-2`);
      await scene().topic(1, `${prefix}-other`);
      await scene().send(`${prefix}-2`, 1, ['found']);
      expect(valuesOf(await pollCount(consumer, 1))).toEqual(['found']);
      expect([...consumer.subscription()].sort()).toEqual([`${prefix}-1`, `${prefix}-2`]);
    });

    it('takes up partitions that are added to its topic', async () => {
      const topic = await scene().topic(1);
      const [consumer] = join(scene().name('group'), [topic], { 'metadata.max.age.ms': 300 });
      await pollUntil(consumer, () => consumer.assignment().length === 1);
      await scene().addPartitions(topic, 3);
      await pollUntil(consumer, () => consumer.assignment().length === 3);
    });

    it('changes its subscription', async () => {
      const [one, other] = [await scene().topic(), await scene().topic()];
      const [consumer, diary] = join(scene().name('group'), [one]);
      await pollUntil(consumer, () => consumer.assignment().length === 1);
      consumer.subscribe([one, other], diary);
      await pollUntil(consumer, () => consumer.assignment().length === 2);
      consumer.subscribe([other], diary);
      await pollUntil(consumer, () => consumer.assignment().length === 1);
      expect(consumer.assignment().map(({ topic }) => topic)).toEqual([other]);
    });

    it('leaves by unsubscribe, and may join again', async () => {
      const topic = await scene().topic(2);
      const groupId = scene().name('group');
      const [first, diary] = join(groupId, [topic]);
      await pollUntil(first, () => first.assignment().length === 2);
      const [second] = join(groupId, [topic]);
      await pollTogether([first, second], () => second.assignment().length === 1 && first.assignment().length === 1);
      await first.unsubscribe();
      expect(first.assignment()).toEqual([]);
      expect(diary.entries.at(-1)).toMatch(/^revoked \d$/);
      await pollUntil(second, () => second.assignment().length === 2);
      first.subscribe([topic], diary);
      await pollTogether([first, second], () => first.assignment().length === 1 && second.assignment().length === 1);
    });

    it('joins again when asked to', async () => {
      const topic = await scene().topic();
      const [consumer] = join(scene().name('group'), [topic]);
      await pollUntil(consumer, () => consumer.assignment().length === 1);
      const { generationId } = consumer.groupMetadata();
      consumer.enforceRebalance('a test wants it');
      await pollUntil(
        consumer,
        () => consumer.groupMetadata().generationId > generationId && consumer.assignment().length === 1,
      );
    });

    it('comes back as a static member without a rebalance', async () => {
      const topic = await scene().topic(2);
      const groupId = scene().name('group');
      const [first] = join(groupId, [topic], { 'group.instance.id': 'a' });
      const [other] = join(groupId, [topic], { 'group.instance.id': 'b' });
      await pollTogether([first, other], () => first.assignment().length === 1 && other.assignment().length === 1);
      const before = { partitions: partitionsOf(first), generationId: first.groupMetadata().generationId };
      await first.close();
      const [again] = join(groupId, [topic], { 'group.instance.id': 'a' });
      await pollTogether([again, other], () => again.assignment().length === 1);
      expect({ partitions: partitionsOf(again), generationId: again.groupMetadata().generationId }).toEqual(before);
    });

    it('ends when another takes its group.instance.id', async () => {
      const topic = await scene().topic();
      const groupId = scene().name('group');
      const [first] = join(groupId, [topic], { 'group.instance.id': 'a' });
      await pollUntil(first, () => first.assignment().length === 1);
      const [second] = join(groupId, [topic], { 'group.instance.id': 'a' });
      await pollUntil(second, () => second.assignment().length === 1);
      await expect(pollUntil(first, () => false)).rejects.toMatchObject({ code: 'FENCED_INSTANCE_ID' });
    });

    it('refuses a group whose members have no assignor in common with it', async () => {
      const topic = await scene().topic();
      const groupId = scene().name('group');
      const [first] = join(groupId, [topic], { 'partition.assignment.strategy': 'range' });
      await pollUntil(first, () => first.assignment().length === 1);
      const [second] = join(groupId, [topic], { 'partition.assignment.strategy': 'roundrobin' });
      await expect(pollUntil(second, () => false)).rejects.toMatchObject({
        code: 'INCONSISTENT_GROUP_PROTOCOL',
        message: expect.stringContaining('partition.assignment.strategy'),
      });
    });

    it('needs a name for it', () => {
      expect(() => scene().consumer().subscribe(['t'])).toThrow(/set group.id/);
      expect(() => scene().consumer({ 'group.id': '' })).toThrow(/group.id is empty/);
      expect(() => scene().consumer({ 'group.id': 'g', 'group.protocol': 'consumer' })).toThrow(
        /KIP-848.*not there yet/,
      );
    });
  });
}
