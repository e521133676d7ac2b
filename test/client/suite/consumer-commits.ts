/** Committed offsets: they survive the consumer, and the next one starts there. */
import { describe, expect, it } from '@jest/globals';
import { OffsetAndMetadata } from '#serde';
import { at, type ConsumerScene, pollCount, pollUntil, valuesOf } from './consumer-scene.ts';

export function commitTests(scene: () => ConsumerScene): void {
  describe('commits', () => {
    it('so that the next consumer of the group goes on there', async () => {
      const topic = await scene().topic();
      const groupId = scene().name('group');
      await scene().send(topic, 0, ['a', 'b', 'c', 'd']);
      const first = scene().consumer({ 'group.id': groupId, 'enable.auto.commit': false, 'max.poll.records': 2 });
      first.assign([at(topic)]);
      expect(valuesOf(await pollCount(first, 2))).toEqual(['a', 'b']);
      await first.commitSync();
      await first.close();
      const second = scene().consumer({ 'group.id': groupId });
      second.assign([at(topic)]);
      expect(valuesOf(await pollCount(second, 2))).toEqual(['c', 'd']);
    });

    it('offsets of its choice, with metadata and leader epoch, and reads them back', async () => {
      const topic = await scene().topic(2);
      await scene().send(topic, 0, ['a', 'b', 'c']);
      const consumer = scene().consumer({ 'group.id': scene().name('group') });
      await consumer.commitSync([[at(topic, 0), new OffsetAndMetadata(2, 'half', 0)]]);
      const committed = await consumer.committed([at(topic, 0), at(topic, 1)]);
      expect(committed.get(at(topic, 0))).toEqual(new OffsetAndMetadata(2, 'half', 0));
      expect(committed.get(at(topic, 1))).toBeNull();
    });

    it('in the order of the calls when it does not wait', async () => {
      const topic = await scene().topic();
      const consumer = scene().consumer({ 'group.id': scene().name('group') });
      // A coordinator that has only just been found may not have loaded the group, and commits that nobody waits for are not repeated.
      await consumer.commitSync([[at(topic), new OffsetAndMetadata(0)]]);
      const ended: number[] = [];
      for (const offset of [1, 2, 3]) {
        consumer.commitAsync([[at(topic), new OffsetAndMetadata(offset)]], (_offsets, error) => {
          if (error === null) ended.push(offset);
        });
      }
      await consumer.commitSync([[at(topic), new OffsetAndMetadata(4)]]);
      expect(ended).toEqual([1, 2, 3]);
      expect((await consumer.committed([at(topic)])).get(at(topic))?.offset).toBe(4);
    });

    it('by itself: every interval, and once more on close', async () => {
      const topic = await scene().topic();
      const groupId = scene().name('group');
      await scene().send(topic, 0, ['a']);
      const consumer = scene().consumer({ 'group.id': groupId, 'auto.commit.interval.ms': 50 });
      consumer.assign([at(topic)]);
      await pollCount(consumer, 1);
      const reader = scene().consumer({ 'group.id': groupId });
      let committed: number | undefined;
      await pollUntil(consumer, () => {
        void reader.committed([at(topic)]).then((found) => (committed = found.get(at(topic))?.offset));
        return committed === 1;
      });
      await scene().send(topic, 0, ['b']);
      await pollCount(consumer, 1);
      await consumer.close();
      expect((await reader.committed([at(topic)])).get(at(topic))?.offset).toBe(2);
    });

    it('not without a group', async () => {
      const topic = await scene().topic();
      const consumer = scene().consumer();
      consumer.assign([at(topic)]);
      await expect(consumer.commitSync([[at(topic), new OffsetAndMetadata(1)]])).rejects.toMatchObject({
        code: 'INVALID_GROUP_ID',
      });
    });

    it('not from outside while the group has members', async () => {
      const topic = await scene().topic();
      const groupId = scene().name('group');
      const member = scene().consumer({ 'group.id': groupId });
      member.subscribe([topic]);
      await pollUntil(member, () => member.assignment().length === 1);
      const outsider = scene().consumer({ 'group.id': groupId, 'enable.auto.commit': false });
      await expect(outsider.commitSync([[at(topic), new OffsetAndMetadata(1)]])).rejects.toMatchObject({
        code: 'COMMIT_FAILED',
      });
    });
  });
}
