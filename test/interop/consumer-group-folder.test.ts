/** Groups of the consumer protocol in a data folder that goes from us to Apache Kafka and back: their members go on where they were. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { coordinatorIsReady, GroupTalk, talkSettings } from './groups-on-both.ts';
import { kafkaTool } from './kafka/apache-kafka.ts';
import { type Broker, startBroker, tendBrokers } from './kafka/brokers.ts';

const tend = tendBrokers();
let ours: Broker;
let kafka: Broker;
/** What the broker of the moment answers to the same questions. */
const described: Record<string, string[]> = {};
const answers: Record<string, string[]> = {};
let dump = '';

/** Nothing that these ask changes anything. */
const questions = ['cdescribe g', 'describe g', 'fetch g', 'fetch c', 'list'];

beforeAll(async () => {
  ours = await tend(startBroker('springtide', talkSettings));
  let talk = await begin(ours.bootstrapServers);
  await talk.run([
    'topics t=4 rx-1=2',
    'member g a reads=t',
    'member g b reads=t instance=i regex=rx-.*',
    'until "epoch 4" cdescribe g',
    'join g as=classic member=classic-member protocols=range:t',
    'member g a epoch=2 owns=t/0,t/1',
    'member g b epoch=3 instance=i owns=-',
    'member g a epoch=5',
    'commit g member=a gen=5 t/0=5',
    'commit c t/1=7',
  ]);
  described['we'] = await talk.run(questions);
  await ours.stop();
  dump = await dumpOffsets(ours.dataFolder);

  kafka = await tend(startBroker('Apache Kafka', talkSettings, ours.dataFolder));
  talk = await begin(kafka.bootstrapServers, talk);
  described['Kafka'] = await talk.run(questions);
  answers['Kafka'] = await talk.run(['member g a epoch=5', 'commit g member=a gen=5 t/0=6', 'cdescribe g']);
  await talk.run(['member g d reads=t', 'member g b epoch=-2 instance=i']);
  described['Kafka later'] = await talk.run(questions);
  await kafka.stop();

  ours = await tend(startBroker('springtide', talkSettings, ours.dataFolder));
  talk = await begin(ours.bootstrapServers, talk);
  described['we later'] = await talk.run(questions);
  answers['we'] = await talk.run(['member g e instance=i reads=t', 'member g a epoch=-1', 'cdescribe g']);
  talk.close();
});

test('Apache Kafka finds the groups as we left them', () => {
  expect(described['Kafka']).toEqual(described['we']);
  expect(described['we'][0]).toMatch(/g Reconciling epoch \d target \d by uniform \| a consumer/);
});

test('a member goes on with Apache Kafka in the epoch that we gave it, without a rebalance', () => {
  expect(answers['Kafka'][0]).toMatch(/→ a epoch 5$/);
  expect(answers['Kafka'][1]).toMatch(/→ t\/0 NONE$/);
});

test('we find the groups as Apache Kafka left them, and go on', () => {
  expect(described['we later']).toEqual(described['Kafka later']);
  expect(answers['we'][0]).toMatch(/→ e epoch \d/);
});

test('kafka-dump-log reads every record of ours', () => {
  for (const type of [3, 5, 6, 7, 8, 16]) expect(dump).toContain(`key: {"type":"${type}",`);
  expect(dump).not.toMatch(/Unknown|Error|Exception/);
});

/** A talk with the broker in the names of an earlier one. */
async function begin(bootstrapServers: string, before?: GroupTalk): Promise<GroupTalk> {
  await coordinatorIsReady(bootstrapServers);
  before?.close();
  return before === undefined ? new GroupTalk(bootstrapServers) : before.with(bootstrapServers);
}

async function dumpOffsets(folder: string): Promise<string> {
  const partitions = readdirSync(folder).filter((name) => name.startsWith('__consumer_offsets-'));
  const logs = partitions.map((name) => join(folder, name, '00000000000000000000.log'));
  const { stdout } = await kafkaTool('dump-log', ['--offsets-decoder', '--files', logs.join(',')]);
  return stdout;
}
