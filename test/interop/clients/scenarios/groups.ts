/** Groups of both protocols. */
import assert from 'node:assert/strict';
import type { Verbs } from '../agent.ts';
import { numbered, pollAll, pollUntilAssigned, type Scenario, type Scene } from '../scene.ts';

type Options = Partial<Verbs['open'][0]>;

/** Two members share four partitions, each record is read once, and who stays takes over what the other leaves. */
async function share(scene: Scene, first: Options, second: Options = first): Promise<void> {
  const [one, two] = [await scene.agent(0), await scene.agent(1)];
  const topic = await scene.topic(4);
  const group = scene.name('group');
  await one.ask('open', { topic, group, ...first });
  await pollUntilAssigned([one], [4]);
  await two.ask('open', { topic, group, ...second });
  const { assignments } = await pollUntilAssigned([one, two], [2, 2]);
  assert.deepEqual(assignments.flat().sort(), [0, 1, 2, 3]);
  await one.ask('produce', { topic, records: numbered(80, 4) });
  const read = await pollAll([one, two], 80);
  assert.deepEqual(read.map(({ value }) => value).sort(), numbered(80).map(({ value }) => value).sort()); // biome-ignore format: one thought
  await Promise.all([one.ask('commit'), two.ask('commit')]);
  assert.equal(await scene.groupType(group), second.protocol ?? 'classic');
  await two.ask('close');
  const { records } = await pollUntilAssigned([one], [4]);
  assert.deepEqual(records, []);
  await one.ask('close');
}

async function commitAndResume(scene: Scene, options: Options): Promise<void> {
  const agent = await scene.agent();
  const topic = await scene.topic();
  const group = scene.name('group');
  await agent.ask('produce', { topic, records: numbered(10) });
  await agent.ask('open', { topic, group, ...options });
  assert.equal((await pollAll([agent], 10)).length, 10);
  await agent.ask('commit');
  assert.equal(await scene.groupType(group), options.protocol ?? 'classic');
  await agent.ask('close');
  await agent.ask('produce', { topic, records: numbered(5, 1, 'more') });
  await agent.ask('open', { topic, group, ...options });
  const read = await pollAll([agent], 5);
  await agent.ask('close');
  assert.deepEqual(
    read.map(({ offset }) => offset),
    [10, 11, 12, 13, 14],
  );
}

/** A static member that comes back has what it had, and the other has noticed nothing. */
async function returnOfStaticMember(scene: Scene, options: Options): Promise<void> {
  const [one, two] = [await scene.agent(0), await scene.agent(1)];
  const topic = await scene.topic(4);
  const group = scene.name('group');
  await one.ask('open', { topic, group, instanceId: 'one', ...options });
  await two.ask('open', { topic, group, instanceId: 'two', ...options });
  const before = await pollUntilAssigned([one, two], [2, 2]);
  await two.ask('close');
  await pollUntilAssigned([one], [2]);
  await two.ask('open', { topic, group, instanceId: 'two', ...options });
  const after = await pollUntilAssigned([one, two], [2, 2]);
  assert.deepEqual(after.assignments, before.assignments);
  await Promise.all([one.ask('close'), two.ask('close')]);
}

export const groupScenarios: readonly Scenario[] = [
  {
    name: 'group: commit and resume',
    needs: ['produce', 'open', 'commit'],
    play: (scene) => commitAndResume(scene, {}),
  },
  {
    name: 'group: two members rebalance',
    needs: ['produce', 'open', 'commit'],
    play: (scene) => share(scene, {}),
  },
  {
    name: 'group: cooperative rebalance',
    needs: ['produce', 'open', 'commit', 'cooperative-sticky'],
    play: (scene) => share(scene, { assignor: 'cooperative-sticky' }),
  },
  {
    name: 'group: a static member returns',
    needs: ['open', 'static'],
    play: (scene) => returnOfStaticMember(scene, {}),
  },
  {
    name: 'KIP-848: commit and resume',
    needs: ['produce', 'open', 'commit', 'consumer-protocol'],
    play: (scene) => commitAndResume(scene, { protocol: 'consumer' }),
  },
  {
    name: 'KIP-848: two members rebalance',
    needs: ['produce', 'open', 'commit', 'consumer-protocol'],
    play: (scene) => share(scene, { protocol: 'consumer' }),
  },
  {
    name: 'KIP-848: a static member returns',
    needs: ['open', 'static', 'consumer-protocol'],
    when: 'nightly',
    play: (scene) => returnOfStaticMember(scene, { protocol: 'consumer' }),
  },
  {
    name: 'KIP-848: a pattern finds a new topic',
    needs: ['open', 'consumer-protocol', 'pattern'],
    async play(scene) {
      const agent = await scene.agent();
      const topic = await scene.topic(2);
      await agent.ask('open', { topic, pattern: `${topic}.*`, group: scene.name('group'), protocol: 'consumer' });
      await pollUntilAssigned([agent], [2]);
      await agent.ask('createTopic', { topic: `${topic}-second`, partitions: 3 });
      await pollUntilAssigned([agent], [5]);
      await agent.ask('close');
    },
  },
  {
    name: 'both protocols in one group',
    needs: ['produce', 'open', 'commit', 'consumer-protocol'],
    when: 'nightly',
    play: (scene) => share(scene, { protocol: 'classic' }, { protocol: 'consumer' }),
  },
];
