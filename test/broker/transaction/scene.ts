/**
 * A transaction machine to talk to in text scripts: it plays the runtime (appends, replays at once, fires timers), gives producer ids out,
 * and prints what comes out. Producers are named `<id>/<epoch>`.
 *
 *     machine max-timeout=… expiration=… timeout-check=… expiry-check=… batch-max=… level=…   starts anew; `level` of transaction.version
 *     level <n>                               the feature is raised or lowered
 *     init <tx> timeout=… expect=<producer>   InitProducerId
 *     add <tx> <producer> t/0 …               AddPartitionsToTxn; with `v2` partitions that join with what is written
 *     verify <tx> <producer> t/0 …            are they in the transaction?
 *     commit|abort <tx> <producer>            EndTxn; with `v2` that of transactions v2
 *     written <tx> <producer> t/0 …           the markers of these partitions are written
 *     describe <tx> …, list …                 what operators ask
 *     advance <ms>                            lets time pass; timers fire when they are due
 *     reload                                  throws the machine away and replays the log into a new one
 *     exhaust <tx>                            writes the record of a producer with the last epoch but one before the end
 *     kafka-log                               replays records written as hex: lines of `key value`, `-` = null
 *     timers                                  the timers the runtime holds
 *
 * A record is printed as `+ …`, markers that are ordered as `> …`. After each command a second machine is fed the log: it must say the same
 * of every transaction, but for markers that were written.
 */
import {
  type DescribeReply,
  type ErrorReply,
  type ListReply,
  type MarkerOrder,
  type ProducerReply,
  readTransactionRecord,
  type Transaction,
  type TransactionEvent,
  TransactionMachine,
  type TransactionRequestEvent,
  transactionConfigTable,
  transactionRecord,
  transactionSettings,
  type VerifyReply,
} from '#broker/transaction';
import { parseConfig } from '#core';
import type { CoordinatorRecord } from '../../../src/broker/coordination/machine.ts';
import { list, type ScriptCommand } from '../../scripts/script.ts';

export const START_WALL_MS = 1_700_000_000_000;

/** An event without its token. */
type Question = TransactionRequestEvent extends infer E ? (E extends unknown ? Omit<E, 'token'> : never) : never;
type Answer = (scene: TransactionScene, command: ScriptCommand) => void;

export class TransactionScene {
  #settings: Readonly<Record<string, string>> = {};
  #level = 2;
  #machine = newMachine({});
  readonly #log: CoordinatorRecord[] = [];
  readonly #timers = new Map<string, number>();
  #nextToken = 1;
  #nextProducerId = 1000;
  #nowMs = 0;
  #lines: string[] = [];

  constructor() {
    this.reload();
  }

  /** Runs one command of a script. */
  answer(command: ScriptCommand): string {
    this.#lines = [];
    const run = commands[command.name];
    if (run === undefined) throw new Error(`no such command: ${command.name}`);
    run(this, command);
    this.#checkReplay();
    return this.#lines.join('\n');
  }

  start(settings: Readonly<Record<string, string>>): void {
    this.#settings = settings;
    this.#level = Number(settings['level'] ?? 2);
    this.#log.length = 0;
    this.reload();
  }

  setLevel(level: number): void {
    this.#level = level;
    this.#handle({ type: 'transaction-version', transactionVersion: level });
  }

  /** Asks, again with a producer id where one is needed, and prints the answer. */
  ask(question: Question, print: (body: never) => string): void {
    const token = this.#nextToken++;
    const [reply] = this.#handle({ ...question, token } as TransactionRequestEvent).filter(
      (reply) => reply.token === token,
    );
    if (reply === undefined) throw new Error('there is no answer');
    if ((reply.body as ProducerReply).needsProducerId) {
      const newProducerId = this.#nextProducerId++;
      this.ask({ ...question, newProducerId } as Question, print);
    } else this.#lines.push(print(reply.body as never));
  }

  tell(event: TransactionEvent): void {
    this.#handle(event);
  }

  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (let due = this.#nextTimer(endMs); due !== undefined; due = this.#nextTimer(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      this.#timers.delete(due.name);
      const before = this.#lines.length;
      this.#handle({ type: 'timer', name: due.name });
      if (this.#lines.length > before) this.#lines.splice(before, 0, `at ${this.#nowMs}: ${due.name}`);
    }
    this.#nowMs = endMs;
  }

  reload(): void {
    this.#timers.clear();
    this.#machine = this.#replayed();
    this.#handle({ type: 'loaded', transactionVersion: this.#level });
  }

  replay(record: CoordinatorRecord): void {
    this.#machine.replay(record);
    this.#log.push(record);
    this.#lines.push(printRecord(record));
  }

  /** The last record of an id, with other fields. */
  rewrite(transactionalId: string, fields: Partial<Transaction>): void {
    const last = this.#log
      .map(readTransactionRecord)
      .findLast((read) => read.type === 'transaction' && read.transaction.transactionalId === transactionalId);
    if (last?.type !== 'transaction') throw new Error(`nothing is known of ${transactionalId}`);
    this.replay(transactionRecord({ ...last.transaction, ...fields }, this.#level));
  }

  printTimers(): void {
    const timers = [...this.#timers].sort((left, right) => left[1] - right[1]);
    for (const [name, atMs] of timers) this.#lines.push(`${name} in ${atMs - this.#nowMs}`);
  }

  #handle(event: TransactionEvent) {
    const output = this.#machine.handle(event, this.#now());
    for (const record of output.records) {
      this.#log.push(record);
      this.#machine.replay(record);
      this.#lines.push(`+ ${printRecord(record)}`);
    }
    for (const { name, delayMs } of output.timers) {
      if (delayMs === null) this.#timers.delete(name);
      else this.#timers.set(name, this.#nowMs + delayMs);
    }
    for (const order of output.orders) this.#lines.push(`> ${printOrder(order)}`);
    return output.replies;
  }

  #now() {
    return { wallMs: START_WALL_MS + this.#nowMs, monotonicMs: this.#nowMs };
  }

  #nextTimer(endMs: number): { name: string; atMs: number } | undefined {
    let next: { name: string; atMs: number } | undefined;
    for (const [name, atMs] of this.#timers) {
      if (atMs <= endMs && (next === undefined || atMs < next.atMs)) next = { name, atMs };
    }
    return next;
  }

  #replayed(): TransactionMachine {
    const machine = newMachine(this.#settings);
    for (const record of this.#log) machine.replay(record);
    return machine;
  }

  #checkReplay(): void {
    const [actual, replayed] = [this.#portrait(this.#machine), this.#portrait(this.#replayed())];
    if (actual !== replayed) throw new Error(`replayed, the machine says otherwise:\n${actual}\n---\n${replayed}`);
  }

  #portrait(machine: TransactionMachine): string {
    const ask = (event: object): unknown =>
      machine.handle({ ...event, token: 0 } as TransactionRequestEvent, this.#now()).replies[0].body;
    const all = { type: 'list-transactions', states: [], producerIds: [], durationMs: -1, matches: () => true };
    const { transactions } = ask(all) as ListReply;
    const described = transactions.map(({ transactionalId }) => {
      const { transaction } = ask({ type: 'describe-transaction', transactionalId }) as DescribeReply;
      return /Prepare/.test(transaction!.state) ? { ...transaction, partitions: [] } : transaction;
    });
    return JSON.stringify(described);
  }
}

const commands: Readonly<Record<string, Answer>> = {
  machine: (scene, { args }) => scene.start(args),
  level: (scene, { words }) => scene.setLevel(Number(words[0])),
  init: (scene, { words, args }) => {
    const timeoutMs = Number(args['timeout'] ?? 60_000);
    const expected = args['expect'] === undefined ? undefined : producerOf(args['expect']);
    scene.ask({ type: 'init-producer-id', transactionalId: words[0], timeoutMs, expected }, printProducer);
  },
  add: (scene, { words }) => {
    const { partitions, clientVersion, ...producer } = transactional(words);
    scene.ask(
      { type: 'add-partitions', ...producer, partitions, clientVersion },
      ({ error }: ErrorReply) => error.name,
    );
  },
  verify: (scene, { words }) => {
    const { clientVersion: _, ...asked } = transactional(words);
    scene.ask({ type: 'verify-partitions', ...asked }, ({ errors }: VerifyReply) =>
      errors.map(({ name }) => name).join(', '),
    );
  },
  commit: (scene, { words }) => end(scene, words, true),
  abort: (scene, { words }) => end(scene, words, false),
  written: (scene, { words }) => {
    const { clientVersion: _, ...written } = transactional(words);
    scene.tell({ type: 'markers-written', ...written });
  },
  describe: (scene, { words }) => {
    for (const transactionalId of words)
      scene.ask({ type: 'describe-transaction', transactionalId }, ({ transaction }: DescribeReply) => {
        if (transaction === undefined) return `${transactionalId} is not known`;
        const { producerId, producerEpoch, state, timeoutMs, startMs, partitions } = transaction;
        const since = startMs < 0 ? '' : ` since ${startMs - START_WALL_MS}`;
        const names = partitions.map(({ topic, partition }) => ` ${topic}/${partition}`).join('');
        return `${transactionalId} ${state} of ${producerId}/${producerEpoch}${since} for ${timeoutMs}${names}`;
      });
  },
  list: (scene, { args }) => {
    const states = list(args['states']);
    const producerIds = list(args['producers']).map(Number);
    const durationMs = Number(args['longer'] ?? -1);
    const matches = (name: string) => new RegExp(args['matches'] ?? '').test(name);
    scene.ask({ type: 'list-transactions', states, producerIds, durationMs, matches }, ({ transactions }: ListReply) =>
      ['transactions', ...transactions.map((row) => `${row.transactionalId} ${row.state} of ${row.producerId}`)].join(
        '\n    ',
      ),
    );
  },
  advance: (scene, { words }) => scene.advance(Number(words[0])),
  reload: (scene) => scene.reload(),
  exhaust: (scene, { words }) => scene.rewrite(words[0], { producerEpoch: 32766 }),
  timers: (scene) => scene.printTimers(),
  'kafka-log': (scene, { body }) => {
    for (const line of body.split('\n')) {
      const [key, value] = line.split(' ').map((hex) => (hex === '-' ? null : Buffer.from(hex, 'hex')));
      scene.replay({ key, value });
    }
  },
};

function end(scene: TransactionScene, words: readonly string[], isCommit: boolean): void {
  const { partitions: _, ...producer } = transactional(words);
  scene.ask({ type: 'end-transaction', ...producer, isCommit }, printProducer);
}

/** `<tx> <producer> t/0 … v2` */
function transactional(words: readonly string[]) {
  const clientVersion = words.includes('v2') ? 2 : 0;
  const [transactionalId, producer, ...names] = words.filter((word) => word !== 'v2');
  const partitions = names.map((name) => {
    const [topic, partition] = name.split('/');
    return { topic, partition: Number(partition) };
  });
  return { transactionalId, ...producerOf(producer), partitions, clientVersion };
}

function producerOf(text: string) {
  const [producerId, producerEpoch] = text.split('/').map(Number);
  return { producerId, producerEpoch };
}

function newMachine(settings: Readonly<Record<string, string>>): TransactionMachine {
  const keys: Readonly<Record<string, string>> = {
    'max-timeout': 'transaction.max.timeout.ms',
    expiration: 'transactional.id.expiration.ms',
    'timeout-check': 'transaction.abort.timed.out.transaction.cleanup.interval.ms',
    'expiry-check': 'transaction.remove.expired.transaction.cleanup.interval.ms',
  };
  const raw = Object.fromEntries(Object.entries(keys).map(([name, key]) => [key, settings[name]]));
  const { config } = parseConfig(transactionConfigTable, raw);
  const batchMax = settings['batch-max'];
  return new TransactionMachine(transactionSettings(config, batchMax === undefined ? undefined : Number(batchMax)));
}

function printProducer({ error, producerId, producerEpoch }: ProducerReply): string {
  return error.name === 'NONE' && producerId >= 0 ? `${producerId}/${producerEpoch}` : error.name;
}

function printOrder(order: MarkerOrder): string {
  const { transactionalId, type, producerId, producerEpoch, transactionVersion, partitions } = order;
  const names = partitions.map(({ topic, partition }) => `${topic}/${partition}`).join(' ');
  return `${type} ${transactionalId} of ${producerId}/${producerEpoch} v${transactionVersion} in ${names}`;
}

function printRecord(record: CoordinatorRecord): string {
  const read = readTransactionRecord(record);
  if (read.type === 'tombstone') return `forget ${read.transactionalId}`;
  if (read.type === 'unknown') return 'unknown record';
  const { transactionalId, state, producerId, producerEpoch, partitions, ...rest } = read.transaction;
  const names = [...partitions].flatMap(([topic, ids]) => [...ids].map((id) => ` ${topic}/${id}`)).join('');
  const before =
    rest.previousProducerId === producerId || rest.previousProducerId < 0 ? '' : ` before ${rest.previousProducerId}`;
  const next = rest.nextProducerId < 0 ? '' : ` next ${rest.nextProducerId}`;
  const version = `value ${record.value!.readInt16BE(0)} client ${rest.clientVersion}`;
  return `${transactionalId} ${state} of ${producerId}/${producerEpoch}${before}${next}${names} (${version})`;
}
