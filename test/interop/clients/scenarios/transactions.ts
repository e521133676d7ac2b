/** Transactions, with and without offsets in them. */
import assert from 'node:assert/strict';
import type { Agent } from '../agent.ts';
import { numbered, pollAll, readAll, refusal, type Scenario, type Scene } from '../scene.ts';

async function opened(agent: Agent, scene: Scene): Promise<string> {
  const transactionalId = scene.name('transactional');
  await agent.ask('txnOpen', { transactionalId });
  return transactionalId;
}

export const transactionScenarios: readonly Scenario[] = [
  {
    name: 'transactions: commit, abort, read committed',
    needs: ['txnOpen', 'open'],
    async play(scene) {
      const agent = await scene.agent();
      const topic = await scene.topic(2);
      await opened(agent, scene);
      for (const [n, end] of (['txnCommit', 'txnAbort', 'txnCommit', 'txnAbort', 'txnCommit'] as const).entries()) {
        await agent.ask('txnBegin');
        await agent.ask('txnSend', { topic, records: numbered(4, 2, `${n}`) });
        await agent.ask(end);
      }
      await agent.ask('txnClose');
      const committed = await readAll(agent, topic, 12, { partitions: 2, committed: true });
      assert.deepEqual(new Set(committed.map(({ value }) => value?.[0])), new Set(['0', '2', '4']));
      assert.equal((await readAll(agent, topic, 20, { partitions: 2 })).length, 20);
      return committed.map(({ partition, offset, value }) => [partition, offset, value]);
    },
  },
  {
    name: 'transactions: an open one holds readers back',
    needs: ['txnOpen', 'open', 'produce'],
    async play(scene) {
      const [agent, reader] = [await scene.agent(0), await scene.agent(1)];
      const topic = await scene.topic();
      await agent.ask('produce', { topic, records: numbered(1, 1, 'before') });
      await opened(agent, scene);
      await agent.ask('txnBegin');
      await agent.ask('txnSend', { topic, records: numbered(1, 1, 'inside') });
      await agent.ask('produce', { topic, records: numbered(1, 1, 'after') });
      await reader.ask('open', { topic, assign: [{ partition: 0, at: 'earliest' }], committed: true });
      const early = [...(await pollAll([reader], 1)), ...(await reader.ask('poll', { ms: 500 })).records];
      assert.deepEqual(
        early.map(({ value }) => value),
        ['before-0'],
      );
      await agent.ask('txnCommit');
      await agent.ask('txnClose');
      const late = await pollAll([reader], 2);
      assert.deepEqual(
        late.map(({ value }) => value),
        ['inside-0', 'after-0'],
      );
      await reader.ask('close');
    },
  },
  {
    name: 'transactions: offsets committed and aborted with them',
    needs: ['txnOpen', 'txnOffsets', 'open', 'produce'],
    async play(scene) {
      const agent = await scene.agent();
      const [from, to] = [await scene.topic(), await scene.topic()];
      const group = scene.name('group');
      const transactionalId = await opened(agent, scene);
      const copied: number[][] = [];
      for (const end of ['txnAbort', 'txnCommit', 'txnCommit'] as const) {
        await agent.ask('produce', { topic: from, records: numbered(5) });
        await agent.ask('open', { topic: from, group, transactionalId });
        const read = await pollAll([agent], 5);
        copied.push(read.map(({ offset }) => offset));
        await agent.ask('txnBegin');
        await agent.ask('txnSend', {
          topic: to,
          records: read.map(({ key, value }) => ({ partition: 0, key, value })),
        });
        await agent.ask('txnOffsets');
        await agent.ask(end);
        await agent.ask('close');
      }
      await agent.ask('txnClose');
      const offsets = copied.flat().filter((offset, index, all) => all.indexOf(offset) === index);
      assert.deepEqual(
        offsets,
        Array.from({ length: 15 }, (_, n) => n),
      );
      assert.equal(copied[2][0], 10);
      assert.equal((await readAll(agent, to, 15, { committed: true })).length, 15);
    },
  },
  {
    name: 'transactions: a second producer of the id fences the first',
    needs: ['txnOpen'],
    async play(scene) {
      const [first, second] = [await scene.agent(0), await scene.agent(1)];
      const topic = await scene.topic();
      const transactionalId = await opened(first, scene);
      await first.ask('txnBegin');
      await first.ask('txnSend', { topic, records: numbered(2, 1, 'lost') });
      await second.ask('txnOpen', { transactionalId });
      await refusal(first.ask('txnCommit'));
      await second.ask('txnBegin');
      await second.ask('txnSend', { topic, records: numbered(2, 1, 'kept') });
      await second.ask('txnCommit');
      await Promise.all([first.ask('txnClose'), second.ask('txnClose')]);
      const read = await readAll(second, topic, 2, { committed: true });
      return read.map(({ offset, value }) => [offset, value]);
    },
  },
];
