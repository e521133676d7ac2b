/** The same talks with the group coordinators of Apache Kafka 4.4.0 and of ours: every answer must be the same. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '#core';
import { startSpringtide } from '../processes/springtide-server.ts';
import { GroupTalk } from './groups-on-both.ts';
import { startApacheKafka } from './kafka/apache-kafka.ts';

interface Broker {
  readonly bootstrapServers: string;
  stop(): Promise<void>;
  remove(): void;
}

const settings = { 'group.consumer.assignment.interval.ms': 0, 'group.initial.rebalance.delay.ms': 0 };
const brokers: Broker[] = [];

beforeAll(async () => {
  const overrides = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  brokers.push(...(await Promise.all([startSpringtide({ overrides }), startApacheKafka(settings)])));
  for (const { bootstrapServers } of brokers) await coordinatorIsReady(bootstrapServers);
});

afterAll(async () => {
  for (const broker of brokers) {
    await broker.stop();
    broker.remove();
  }
});

const talks: Readonly<Record<string, readonly string[]>> = {
  'members come and go': [
    'topics t=4',
    'member g a reads=t',
    'member g a epoch=2',
    'member g b reads=t',
    'cdescribe g',
    'member g a epoch=2',
    'cdescribe g',
    'member g a epoch=2 owns=t/0,t/1,t/2,t/3',
    'member g b epoch=3',
    'member g a epoch=1',
    'member g a epoch=9',
    'member g a epoch=2 owns=t/0,t/1',
    'member g a epoch=2 owns=t/0,t/1',
    'member g a epoch=2 owns=t/0,t/1,t/2',
    'member g a epoch=3 owns=t/0,t/1',
    'member g b epoch=3',
    'member g b epoch=3 reads=t owns=t/2,t/3 rebalance=60000',
    'cdescribe g',
    'list',
    'describe g',
    'member g c epoch=3',
    'member h c epoch=3',
    'member g a epoch=-1',
    'member g a epoch=-1',
    'member g b epoch=3',
    'member g b epoch=-1',
    'cdescribe g nosuch',
    'list',
    'delete g',
    'list',
  ],
  'topics grow, come and go': [
    'topics grows=2',
    'member gt a reads=grows+later',
    'member gt a epoch=2 owns=grows/0,grows/1',
    'grow grows=4',
    'member gt a epoch=2',
    'member gt a epoch=3',
    'topics later=1',
    'member gt a epoch=3',
    'drop grows',
    'member gt a epoch=4',
    'member gt a epoch=4 owns=later/0',
    'member gt a epoch=5',
    'member gt a epoch=5 reads=-',
    'member gt a epoch=6 owns=-',
    'cdescribe gt',
    'member gt a epoch=-1',
    'cdescribe gt',
    'delete gt',
  ],
  'what a heartbeat must not say': [
    'topics e=2',
    'member e',
    'member "" a',
    'member e a epoch=-3',
    'member e a epoch=-2',
    'member e a epoch=0 rebalance=-1',
    'member e a epoch=0 owns=e/0',
    'member e a instance=" "',
    'member e a rack=" "',
    'member e a assignor=nosuch',
    'member e a regex="("',
    'member e a epoch=1',
    'member e a epoch=-1',
    'member e a reads=e v=0',
    'member e v=0 reads=e as=made',
    'member e $made epoch=3 v=0',
    'member e v=0 epoch=3',
    'member e a epoch=-1 v=0',
    'member e $made epoch=-1 v=0',
    'delete e',
  ],
  'static members': [
    'topics s=4',
    'member s a instance=i reads=s',
    'member s b instance=j reads=s',
    'member s a epoch=2 instance=i owns=s/0,s/1,s/2,s/3',
    'member s a epoch=2 instance=i owns=s/0,s/1',
    'member s b epoch=3 instance=j',
    'member s c instance=i reads=s',
    'member s c epoch=3 instance=i',
    'member s a epoch=-2 instance=i',
    'cdescribe s',
    'member s a epoch=3 instance=i',
    'member s d instance=i reads=s',
    'cdescribe s',
    'member s a epoch=3 instance=i',
    'member s d epoch=3 instance=i owns=s/0,s/1',
    'member s d epoch=-2 instance=i',
    'member s e instance=i reads=s+x',
    'cdescribe s',
    'member s b epoch=3 instance=j owns=s/2,s/3',
    'member s b epoch=4 instance=j',
    'member s e epoch=-1 instance=nosuch',
    'member s b epoch=-1 instance=i',
    'leave s @i',
    'leave s @i b@nosuch',
    'cdescribe s',
    'leave s b@j',
    'cdescribe s',
    'delete s',
  ],
  'assignors and subscriptions': [
    'topics u=3 w=3',
    'member as a reads=u+w assignor=range',
    'member as b reads=u+w assignor=range',
    'cdescribe as',
    'member as a epoch=2 owns=u/0,u/1,w/0,w/1',
    'member as b epoch=3',
    'member as a epoch=3 reads=u assignor=uniform',
    'member as b epoch=3 assignor=uniform',
    'cdescribe as',
    'member as a epoch=3 owns=u/0,u/1,w/0,w/1',
    'member as b epoch=4 owns=w/2',
    'member as a epoch=4 owns=u/0,u/1',
    'member as a epoch=5 owns=u/0,u/1',
    'member as b epoch=5',
    'cdescribe as',
    'member as b epoch=5 reads=-',
    'cdescribe as',
    'leave as a b',
    'delete as',
  ],
  'offsets of members': [
    'topics o=2',
    'member o a reads=o',
    'commit o member=a gen=2 o/0=5',
    'commit o member=a gen=3 o/0=6',
    'commit o member=a gen=1 o/0=7',
    'commit o member=a gen=2 v=8 o/0=7',
    'commit o member=b gen=2 o/0=7',
    'commit o o/0=8',
    'member o b reads=o',
    'member o a epoch=2 owns=o/0,o/1',
    'commit o member=a gen=2 o/1=9',
    'member o a epoch=2 owns=o/0',
    'member o b epoch=3',
    'commit o member=a gen=2 o/0=10',
    'commit o member=a gen=2 o/1=10',
    'commit o member=a gen=2 o/0=11 o/1=11',
    'commit o member=b gen=2 o/1=12',
    'commit o member=b gen=3 o/1=12',
    'commit o member=b gen=3 o/0=12',
    'fetch o o/0 o/1',
    'fetch o member=a epoch=3 o/0',
    'fetch o member=a epoch=2 o/0',
    'fetch o member=nobody epoch=2 o/0',
    'fetch o member=a epoch=-1 o/0',
    'fetch o v=8 o/0',
    'delete o',
    'leave o a b',
    'commit o o/0=20',
    'commit o member=a gen=2 o/0=21',
    'fetch o',
    'delete o',
    'fetch o',
    'commit o member=a gen=2 o/0=21',
    'commit o member=a gen=2 v=8 o/0=21',
  ],
  'from classic to consumer and back': [
    'topics m=4',
    'join m as=a protocols=range:m',
    'join m as=a member=$a protocols=range:m',
    'sync m member=$a gen=1 type=consumer protocol=range',
    'heartbeat m member=$a gen=1',
    'member m n reads=m',
    'list',
    'cdescribe m',
    'describe m',
    'heartbeat m member=$a gen=1',
    'commit m member=$a gen=1 m/0=1',
    'sync m member=$a gen=1',
    'sync m member=$a gen=1 type=consumer protocol=range',
    'join m member=$a protocols=range:m owns=m/0,m/1,m/2,m/3',
    'sync m member=$a gen=1 type=consumer protocol=range',
    'heartbeat m member=$a gen=1',
    'cdescribe m',
    'member m n epoch=2',
    'join m member=$a protocols=range:m owns=m/0,m/1',
    'sync m member=$a gen=2 type=consumer protocol=range',
    'heartbeat m member=$a gen=2',
    'member m n epoch=2',
    'cdescribe m',
    'join m as=b protocols=roundrobin:m',
    'join m as=b protocols=roundrobin:m+z,range:m',
    'join m member=$b protocols=range:m',
    'heartbeat m member=$b gen=3',
    'heartbeat m member=$a gen=2',
    'heartbeat m member=n gen=3',
    'sync m member=n gen=3 type=consumer protocol=range',
    'sync m member=$b gen=9 type=consumer protocol=range',
    'sync m member=$b gen=3 type=other',
    'cdescribe m',
    'member m n epoch=-1',
    'list',
    'describe m',
    'heartbeat m member=$a gen=3',
    'heartbeat m member=$a gen=4',
    'leave m $a',
    'leave m $b',
    'list',
    'delete m',
  ],
  'the classic protocol': [
    'topics c=2',
    'join c as=a protocols=range:c,sticky:c',
    'join c member=$a protocols=range:c,sticky:c',
    'describe c',
    'commit c member=$a gen=1 c/0=1',
    'sync c member=$a gen=1 type=consumer protocol=sticky',
    'sync c member=$a gen=1 type=consumer protocol=range',
    'sync c member=$a gen=1 type=consumer protocol=range',
    'commit c member=$a gen=1 c/0=1',
    'commit c member=$a gen=2 c/0=1',
    'commit c c/0=1',
    'commit c member=x gen=1 c/0=1',
    'join c as=b protocols=roundrobin:c',
    'join c member=nobody protocols=range:c',
    'heartbeat c member=$a gen=1',
    'heartbeat c member=$a gen=0',
    'heartbeat c member=$a gen=1 instance=i',
    'heartbeat c member=x gen=1',
    'heartbeat nosuch member=x gen=1',
    'describe c nosuch',
    'describe c nosuch v=5',
    'delete c nosuch',
    'leave c x @y $a',
    'list',
    'join cs as=s instance=one protocols=range:c',
    'sync cs member=$s gen=1 instance=one type=consumer protocol=range',
    'join cs as=t instance=one protocols=range:c',
    'heartbeat cs member=$s gen=1 instance=one',
    'heartbeat cs member=$t gen=1 instance=one',
    'join cs as=u instance=one protocols=range:c v=8',
    'sync cs member=$u gen=1 instance=one type=consumer protocol=range',
    'join cs member=$t instance=one protocols=range:c',
    'join cs as=v instance=one protocols=sticky:c',
    'heartbeat cs member=$v gen=1 instance=one',
    'heartbeat cs member=$v gen=2 instance=one',
    'describe cs',
    'leave cs @one',
    'list',
    'delete c cs',
  ],
  'empty groups change their kind': [
    'topics k=2',
    'commit k k/0=3',
    'list',
    'member k a reads=k',
    'list',
    'fetch k',
    'member k a epoch=-1',
    'join k as=b protocols=range:k',
    'list',
    'join k member=$b protocols=range:k',
    'fetch k',
    'leave k $b',
    'member k c reads=k',
    'list states=stable',
    'list types=Classic',
    'list types=consumer states=empty',
    'list states=empty',
    'join k member=nobody protocols=range:k',
    'heartbeat k member=nobody gen=1',
    'sync k member=nobody gen=1',
    'leave k nobody',
    'join k protocols=range:k type=connect',
    'join k as=d protocols=range:k v=3',
    'leave k c',
    'delete k',
  ],
};

describe('the group coordinator answers as Kafka does', () => {
  test.each(Object.entries(talks))('%s', async (_, commands) => {
    const [ours, kafkas] = await Promise.all(
      brokers.map(({ bootstrapServers }) => answersOf(bootstrapServers, commands)),
    );
    expect(ours).toEqual(kafkas);
  });
});

async function answersOf(bootstrapServers: string, commands: readonly string[]): Promise<string[]> {
  const talk = new GroupTalk(bootstrapServers);
  try {
    return await talk.run(commands);
  } finally {
    talk.close();
  }
}

/** The offsets topic is made when somebody first asks for a coordinator. */
async function coordinatorIsReady(bootstrapServers: string): Promise<void> {
  const { Admin } = await import('#client');
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  for (let i = 0; i < 100; i++) {
    const found = await admin.listConsumerGroupOffsets('nobody').catch(() => undefined);
    if (found !== undefined) break;
    await systemClock.sleep(200);
  }
  await admin.close();
}
