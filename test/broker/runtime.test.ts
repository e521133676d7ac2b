import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom, silentLogger } from '#core';
import { buildBatch, buildTransactionMarker, Errors, readRecords } from '#protocol';
import { LogDirectory, memoryDisk, topicConfig } from '#storage';
import type { RecordCodec } from '../../src/broker/coordination/log-replay.ts';
import type { Machine, MachineOutput, TimerEvent } from '../../src/broker/coordination/machine.ts';
import { MachineRuntime } from '../../src/broker/coordination/runtime.ts';
import { HostedPartition } from '../../src/broker/hosting/hosted-partition.ts';
import { GatedDisk } from './gated-disk.ts';

type Event =
  | { type: 'add'; token: number; value: string }
  | { type: 'read'; token: number }
  | { type: 'later'; token: number; ms: number }
  | { type: 'say'; token: number; value: string; producerId: number; epoch?: number }
  | { type: 'order'; token: number; value: string };

/** Collects words; `later` parks its asker until a timer fires, `say` adds one as part of a transaction, `order` adds one and orders it. */
class WordMachine implements Machine<Event, string, string> {
  readonly words: string[] = [];
  /** Said within transactions that are not decided, by producer. */
  readonly #undecided = new Map<number, string[]>();
  #parked: number | undefined;

  handle(event: Event | TimerEvent): MachineOutput<string, string> {
    switch (event.type) {
      case 'add':
        return {
          records: [event.value],
          replies: [{ token: event.token, body: [...this.words, event.value] }],
          timers: [],
        };
      case 'read':
        return { records: [], replies: [{ token: event.token, body: [...this.words] }], timers: [] };
      case 'later':
        this.#parked = event.token;
        return { records: [], replies: [], timers: [{ name: 'wake', delayMs: event.ms }] };
      case 'say': {
        const { token, value, producerId, epoch = 0 } = event;
        const producer = { producerId, producerEpoch: epoch };
        return { records: [value], replies: [{ token, body: 'said' }], timers: [], producer };
      }
      case 'order': {
        const { token, value } = event;
        return { records: [value], replies: [{ token, body: 'ordered' }], timers: [], orders: [value] };
      }
      case 'timer':
        return { records: [`timer ${event.name}`], replies: [{ token: this.#parked!, body: 'woken' }], timers: [] };
    }
  }

  replay(record: string, _offset: number, producerId: number): void {
    if (producerId < 0) this.words.push(record);
    else this.#undecided.set(producerId, [...(this.#undecided.get(producerId) ?? []), record]);
  }

  endTransaction(producerId: number, type: 'abort' | 'commit'): void {
    if (type === 'commit') this.words.push(...(this.#undecided.get(producerId) ?? []));
    this.#undecided.delete(producerId);
  }
}

const codec: RecordCodec<string> = {
  encode: (records, now, producer) =>
    buildBatch(
      records.map((record) => ({ key: null, value: Buffer.from(record), timestamp: now.wallMs })),
      producer === undefined ? {} : { ...producer, baseSequence: 0, isTransactional: true },
    ),
  decode(buffer, position, each) {
    if (isUnreadable) throw new Error('unreadable');
    const cursor = readRecords(buffer, position, { decompressedBytesMax: 1000 });
    for (let record = cursor.next(); record !== undefined; record = cursor.next())
      each(record.value!.toString(), record.offset);
  },
};

let clock: ManualClock;
let disk: GatedDisk;
let partition: HostedPartition;
let runtime: MachineRuntime<Event, string, string>;
let machines: WordMachine[];
let committed: string[];
let answers: string[];
let heard: (record: string) => void;
let isUnreadable = false;

beforeEach(async () => {
  clock = new ManualClock();
  disk = new GatedDisk(memoryDisk());
  machines = [];
  committed = [];
  answers = [];
  heard = () => {};
  isUnreadable = false;
  const directory = await LogDirectory.open({
    disk,
    path: '/d',
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    config: {},
    nodeId: 1,
    durability: 'sync',
  });
  const config = topicConfig({ 'max.message.bytes': 500 });
  partition = new HostedPartition(1, directory.create('words', 0, seededRandom(2).uuid(), config), config);
  partition.assign({ leader: 1, leaderEpoch: 0, partitionEpoch: 0, replicas: [1], isr: [1] });
  directory.onFailure(() => partition.stop(Errors.KAFKA_STORAGE_ERROR));
  runtime = newRuntime();
});

function newRuntime(): MachineRuntime<Event, string, string> {
  return new MachineRuntime<Event, string, string>({
    name: 'words',
    partition,
    createMachine: () => {
      machines.push(new WordMachine());
      return machines[machines.length - 1];
    },
    codec,
    clock,
    logger: silentLogger,
    observer: {
      committed: (record) => {
        committed.push(record);
        heard(record);
      },
      ordered: (word) => answers.push(`order ${word}`),
    },
  });
}

function ask(name: string, makeEvent: (token: number) => Event): void {
  runtime.ask(makeEvent, {
    answer: (body) => answers.push(`${name}: ${body}`),
    refuse: (error) => answers.push(`${name}: ${error.name}`),
  });
}

const add = (value: string) => ask(`add ${value}`, (token) => ({ type: 'add', token, value }));
const read = (name = 'read') => ask(name, (token) => ({ type: 'read', token }));

describe('a machine on a partition', () => {
  it('is not asked before its log is replayed', async () => {
    read();
    expect(answers).toEqual(['read: COORDINATOR_LOAD_IN_PROGRESS']);
    await runtime.load();
    read();
    expect(answers[1]).toBe('read: ');
  });

  it('takes over records of a transaction when that is committed, and never when it is aborted or open', async () => {
    const write = (bytes: Buffer) => expect(partition.append(bytes, 'coordinator').error).toBeUndefined();
    const words = (text: string, producerId: number, baseSequence = 0) => {
      const record = { key: null, value: Buffer.from(text), timestamp: 0 };
      write(buildBatch([record], { producerId, producerEpoch: 0, baseSequence, isTransactional: true }));
    };
    const end = (type: 'abort' | 'commit', producerId: number) =>
      write(buildTransactionMarker({ type, coordinatorEpoch: 0 }, { producerId, producerEpoch: 0 }, 0));
    words('first', 7);
    words('aborted', 8);
    write(codec.encode(['plain'], clock.now()));
    words('second', 7, 1);
    end('abort', 8);
    end('commit', 7);
    words('open', 8, 1);
    await clock.settle();
    await runtime.load();
    expect(machines[0].words).toEqual(['plain', 'first', 'second']);
  });

  it('sees its own records at once; answers, also of reads, wait for the high watermark', async () => {
    await runtime.load();
    disk.shut();
    add('a');
    await clock.settle();
    add('b');
    read();
    await clock.settle();
    expect(machines[0].words).toEqual(['a', 'b']);
    expect(answers).toEqual([]);
    expect(committed).toEqual([]);
    disk.open();
    await clock.settle();
    expect(answers).toEqual(['add a: a', 'add b: a,b', 'read: a,b']);
    expect(committed).toEqual(['a', 'b']);
  });

  it('has what it wants done when the log is safe, behind its answers', async () => {
    await runtime.load();
    disk.shut();
    ask('o', (token) => ({ type: 'order', token, value: 'x' }));
    read();
    await clock.settle();
    expect(answers).toEqual([]);
    disk.open();
    await clock.settle();
    expect(answers).toEqual(['o: ordered', 'order x', 'read: x']);
  });

  it('takes over what it said in a transaction with the marker, and the same when its log is replayed', async () => {
    await runtime.load();
    const say = (value: string, producerId: number) =>
      ask(`say ${value}`, (token) => ({ type: 'say', token, value, producerId }));
    const end = (producerId: number, type: 'abort' | 'commit') =>
      runtime.endTransaction(
        { producerId, producerEpoch: 0, type, coordinatorEpoch: 0, transactionVersion: 0 },
        (error) => answers.push(`end ${error.name}`),
      );
    say('a', 7);
    say('b', 8);
    await clock.settle();
    expect(machines[0].words).toEqual([]);
    end(7, 'commit');
    end(8, 'abort');
    say('c', 8);
    expect(machines[0].words).toEqual(['a']);
    await clock.settle();
    expect(answers).toEqual(['say a: said', 'say b: said', 'end NONE', 'end NONE', 'say c: said']);
    runtime.stop();
    runtime = newRuntime();
    end(8, 'commit');
    await runtime.load();
    expect(machines[1].words).toEqual(['a']);
    end(8, 'commit');
    expect(machines[1].words).toEqual(['a', 'c']);
    await clock.settle();
    expect(answers.slice(5)).toEqual(['end COORDINATOR_LOAD_IN_PROGRESS', 'end NONE']);
    expect(committed).toEqual([]);
  });

  it('goes on when the log refuses what it said in a transaction; its asker hears why', async () => {
    await runtime.load();
    const say = (epoch: number) =>
      ask(`${epoch}`, (token) => ({ type: 'say', token, value: 'a', producerId: 7, epoch }));
    say(3);
    say(2);
    await clock.settle();
    expect(answers).toEqual(['2: INVALID_PRODUCER_EPOCH', '3: said']);
    expect(machines).toHaveLength(1);
  });

  it('is the same after its log is replayed, and nobody is told a record twice', async () => {
    await runtime.load();
    add('a');
    add('b');
    await clock.settle();
    runtime.stop();
    runtime = newRuntime();
    await runtime.load();
    expect(machines[1].words).toEqual(['a', 'b']);
    expect(committed).toEqual(['a', 'b', 'a', 'b']);
    await runtime.load();
    expect(committed).toHaveLength(4);
  });

  it('is discarded when an append is refused; who waits hears it, and the log decides', async () => {
    await runtime.load();
    add('a');
    await clock.settle();
    disk.shut();
    add('b');
    add('x'.repeat(1000));
    expect(answers.slice(1)).toEqual([
      'add b: COORDINATOR_NOT_AVAILABLE',
      `add ${'x'.repeat(1000)}: COORDINATOR_NOT_AVAILABLE`,
    ]);
    read('early');
    expect(answers[3]).toBe('early: COORDINATOR_LOAD_IN_PROGRESS');
    disk.open();
    await clock.settle();
    read();
    await clock.settle();
    expect(machines).toHaveLength(2);
    expect(answers[4]).toBe('read: a,b');
    expect(committed).toEqual(['a', 'b']);
  });

  it('refuses everyone when the disk fails under it', async () => {
    await runtime.load();
    disk.shut();
    add('a');
    await clock.settle();
    disk.fail();
    await clock.settle();
    read();
    expect(answers).toEqual(['add a: COORDINATOR_NOT_AVAILABLE', 'read: COORDINATOR_NOT_AVAILABLE']);
    expect(committed).toEqual([]);
  });

  it('may be asked again by those it refuses while it is discarded', async () => {
    await runtime.load();
    disk.shut();
    runtime.ask((token) => ({ type: 'add', token, value: 'a' }), {
      answer: () => answers.push('first answered'),
      refuse: (error) => {
        answers.push(`first: ${error.name}`);
        read('again');
      },
    });
    add('x'.repeat(1000));
    expect(answers.slice(0, 2)).toEqual(['first: COORDINATOR_NOT_AVAILABLE', 'again: COORDINATOR_LOAD_IN_PROGRESS']);
    disk.open();
    await clock.settle();
    read();
    await clock.settle();
    expect(answers.at(-1)).toBe('read: a');
  });

  it('may be asked again by those it refuses when the disk fails', async () => {
    await runtime.load();
    disk.shut();
    runtime.ask((token) => ({ type: 'add', token, value: 'a' }), {
      answer: () => answers.push('first answered'),
      refuse: (error) => {
        answers.push(`first: ${error.name}`);
        read('again');
      },
    });
    await clock.settle();
    disk.fail();
    await clock.settle();
    expect(answers).toEqual(['first: COORDINATOR_NOT_AVAILABLE', 'again: COORDINATOR_NOT_AVAILABLE']);
  });

  it('loses no committed record when hearing of one makes somebody append another', async () => {
    heard = (record) => {
      if (record === 'a') add('c');
    };
    await runtime.load();
    add('a');
    add('b');
    await clock.settle();
    expect(committed).toEqual(['a', 'b', 'c']);
  });

  it('stays down when its partition is gone, whatever a load says', async () => {
    await runtime.load();
    add('a');
    await clock.settle();
    partition.stop(Errors.KAFKA_STORAGE_ERROR);
    await runtime.load();
    read();
    await clock.settle();
    expect(answers.at(-1)).toBe('read: COORDINATOR_NOT_AVAILABLE');
    expect(machines).toHaveLength(1);
  });

  it('tries a log that it cannot read again, ever more rarely, until it can', async () => {
    await runtime.load();
    add('a');
    await clock.settle();
    isUnreadable = true;
    await runtime.load();
    for (const ms of [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
      await clock.advance(ms);
      read(`after ${ms}`);
    }
    expect(machines).toHaveLength(10);
    expect(new Set(answers.slice(1).map((answer) => answer.split(': ')[1]))).toEqual(
      new Set(['COORDINATOR_NOT_AVAILABLE']),
    );
    isUnreadable = false;
    await clock.advance(60_000);
    read();
    await clock.settle();
    expect(answers.at(-1)).toBe('read: a');
    isUnreadable = true;
    await runtime.load();
    isUnreadable = false;
    await clock.advance(1000);
    expect(runtime.isActive).toBe(true);
  });

  it('tries nothing again when it is stopped', async () => {
    isUnreadable = true;
    await runtime.load();
    runtime.stop();
    await clock.advance(60_000);
    expect(machines).toHaveLength(1);
  });

  it('gets its timers as events, and answers parked askers then', async () => {
    await runtime.load();
    ask('later', (token) => ({ type: 'later', token, ms: 500 }));
    await clock.advance(499);
    expect(answers).toEqual([]);
    await clock.advance(2);
    expect(answers).toEqual(['later: woken']);
    expect(machines[0].words).toEqual(['timer wake']);
  });

  it('leaves no timer and no asker behind when it stops', async () => {
    await runtime.load();
    const before = clock.pendingTimerCount;
    ask('later', (token) => ({ type: 'later', token, ms: 500 }));
    runtime.stop();
    runtime.stop();
    expect(answers).toEqual(['later: NOT_COORDINATOR']);
    expect(clock.pendingTimerCount).toBe(before);
    read();
    expect(answers[1]).toBe('read: NOT_COORDINATOR');
  });
});
