/**
 * A broker whose disk is full tells producers to come again and lets consumers read. Whatever was acknowledged is there, once and in
 * order, and sending goes on as soon as there is room. Real processes and a file system of 64 MB, filled to the brim three times; a
 * machine that mounts none says why.
 */
import { afterAll, expect, test } from '@jest/globals';
import { Admin, KafkaConsumer, KafkaProducer, ProducerRecord, type RecordMetadata, TopicPartition } from '#client';
import { type Logger, silentLogger } from '#core';
import { Ledger } from '../crash/ledger.ts';
import { freePort } from '../processes/child.ts';
import { SmallDisk } from '../processes/small-disk.ts';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';

const MEGABYTE = 1024 * 1024;
const DISK_MEGABYTES = 64;
const FILLER_MEGABYTES = 24;
const TOPIC = 'numbers';
const PARTITIONS = 3;
/** All partitions together fit the disk without the filler, and not with it. */
const RETENTION_BYTES = 15 * MEGABYTE;
const VALUE_BYTES = 2000;
const WINDOW = 300;
/** Without an answer for so long, the disk is full. */
const SILENCE_MS = 3000;

const disk = SmallDisk.mount(DISK_MEGABYTES);
const servers: SpringtideServer[] = [];
let sender: Sender | undefined;

afterAll(async () => {
  await sender?.close();
  for (const server of servers) await server.stop('SIGKILL');
  if (disk instanceof SmallDisk) disk.remove();
});

test('a full disk loses, repeats and reorders nothing, and sending goes on when there is room', async () => {
  if (!(disk instanceof SmallDisk)) {
    process.stderr.write(`full disk: not run, ${disk}\n`);
    return;
  }
  const port = await freePort();
  const dataFolder = `${disk.path}/data`;
  const overrides = [
    'log.segment.bytes=1048576',
    'log.retention.check.interval.ms=500',
    'log.segment.delete.delay.ms=500',
    `springtide.broker.durability=sync`,
  ];
  const start = async () => {
    const server = await startSpringtide({ port, dataFolder, overrides });
    servers.push(server);
    return server;
  };
  disk.take('filler', FILLER_MEGABYTES);
  const server = await start();
  const { bootstrapServers } = server;
  await using admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  const configs = { 'retention.bytes': RETENTION_BYTES };
  (await admin.createTopics([{ name: TOPIC, numPartitions: PARTITIONS, configs }])).all();
  sender = new Sender(bootstrapServers);
  const reader = new Reader(bootstrapServers);

  await sender.untilSilent();
  expect(sender.storageErrorCount).toBeGreaterThan(0);
  await reader.check(sender.answers());
  expect(sender.acknowledgedBytes).toBeGreaterThan(0.8 * (DISK_MEGABYTES - FILLER_MEGABYTES) * MEGABYTE);

  // DeleteRecords makes room, also where there is none to write down what it does.
  disk.takeRest('crumbs');
  await deleteHalf(admin, reader);
  disk.free('crumbs');
  await sender.further(5 * MEGABYTE);
  await reader.check(sender.answers());
  await sender.untilSilent();
  await reader.check(sender.answers());

  // A broker that dies on a full disk does not start on it, says why, and comes back whole when there is room.
  await server.stop('SIGKILL');
  disk.takeRest('rest');
  await expect(start()).rejects.toThrow(
    /The disk of the log directory \S+\/data is full, and a start has to write[\s\S]*Make room on the disk/,
  );
  disk.free('rest');
  disk.free('filler');
  await start();
  await reader.check(sender.answers());

  // From here on retention keeps it from filling.
  for (let megabytes = 0; megabytes < DISK_MEGABYTES; megabytes += 4) {
    await sender.further(4 * MEGABYTE);
    await reader.check(sender.answers());
  }
  await sender.flush();
  await reader.check(sender.answers());
  expect(sender.errors).toEqual([]);
  expect(reader.ledger.examples).toEqual([]);
  expect(reader.ledger.acknowledgedCount).toBe(sender.sentCount);
  expect(reader.ledger.storedCount).toBe(sender.sentCount);
}, 300_000);

type Answer = { number: number; partition: number; offset: number };

/** Sends 0, 1, 2 … through the idempotent producer, a window of them at a time. */
class Sender {
  storageErrorCount = 0;
  sentCount = 0;
  readonly errors: unknown[] = [];
  readonly #producer: KafkaProducer<null, string>;
  #answers: Answer[] = [];
  #acknowledgedCount = 0;
  #isSending = false;

  constructor(bootstrapServers: string) {
    const config = {
      'bootstrap.servers': bootstrapServers,
      acks: 'all',
      'enable.idempotence': true,
      'delivery.timeout.ms': 240_000,
      'reconnect.backoff.max.ms': 200,
      'key.serializer': 'string',
      'value.serializer': 'string',
    };
    this.#producer = new KafkaProducer<null, string>(config, { logger: this.#countingLogger() });
  }

  get acknowledgedBytes(): number {
    return this.#acknowledgedCount * VALUE_BYTES;
  }

  /** Those since the last call. */
  answers(): Answer[] {
    const answers = this.#answers;
    this.#answers = [];
    return answers;
  }

  /** Sends until everything is refused, and nothing else is answered for a while. What is on its way then stays so. */
  async untilSilent(): Promise<void> {
    this.#begin();
    for (let isSilent = false; !isSilent; ) {
      const [acknowledged, refused] = [this.#acknowledgedCount, this.storageErrorCount];
      await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
      isSilent = this.#acknowledgedCount === acknowledged && this.storageErrorCount > refused;
    }
    this.#isSending = false;
  }

  /** Sends until so many more bytes are acknowledged. */
  async further(bytes: number): Promise<void> {
    const goal = this.acknowledgedBytes + bytes;
    this.#begin();
    while (this.acknowledgedBytes < goal && this.errors.length === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    this.#isSending = false;
  }

  flush(): Promise<void> {
    return this.#producer.flush();
  }

  close(): Promise<void> {
    this.#isSending = false;
    return this.#producer.close({ timeoutMs: 0 });
  }

  #begin(): void {
    this.#isSending = true;
    this.#fill();
  }

  #fill(): void {
    while (this.#isSending && this.sentCount - this.#acknowledgedCount < WINDOW) this.#send(this.sentCount++);
  }

  #send(number: number): void {
    const record = new ProducerRecord<null, string>(
      TOPIC,
      number % PARTITIONS,
      null,
      `${number} `.padEnd(VALUE_BYTES, 'x'),
    );
    this.#producer.send(record, (metadata: RecordMetadata | null, error: unknown) => {
      if (metadata === null) {
        this.errors.push(error);
        return;
      }
      this.#acknowledgedCount++;
      this.#answers.push({ number, partition: metadata.partition, offset: metadata.offset });
      setImmediate(() => this.#fill());
    });
  }

  #countingLogger(): Logger {
    const debug = (fields: object | string): void => {
      if (typeof fields === 'object' && 'code' in fields && fields.code === 'KAFKA_STORAGE_ERROR')
        this.storageErrorCount++;
    };
    const logger: Logger = { ...silentLogger, debug, child: () => logger };
    return logger;
  }
}

/** Reads what is new with a consumer of its own, and holds it and the answers against the rule of the ledger. */
class Reader {
  readonly ledger = new Ledger(PARTITIONS);
  readonly partitions = Array.from({ length: PARTITIONS }, (_, partition) => new TopicPartition(TOPIC, partition));
  readonly #bootstrapServers: string;

  constructor(bootstrapServers: string) {
    this.#bootstrapServers = bootstrapServers;
  }

  async check(answers: readonly Answer[]): Promise<void> {
    const consumer = new KafkaConsumer<null, string>({
      'bootstrap.servers': this.#bootstrapServers,
      'enable.auto.commit': false,
      'auto.offset.reset': 'none',
      'key.deserializer': 'string',
      'value.deserializer': 'string',
    });
    consumer.assign(this.partitions);
    for (const tp of this.partitions) consumer.seek(tp, this.ledger.endOffset(tp.partition));
    const ends = await consumer.endOffsets(this.partitions);
    const isBehind = (tp: TopicPartition) => this.ledger.endOffset(tp.partition) < (ends.get(tp) ?? 0);
    while (this.partitions.some(isBehind)) {
      for (const { partition, offset, value } of await consumer.poll(10_000))
        this.ledger.stored(partition, offset, Number.parseInt(value ?? '', 10));
    }
    await consumer.close();
    const readTo = this.partitions.map(({ partition }) => this.ledger.endOffset(partition));
    for (const answer of answers) this.ledger.acknowledged(answer, readTo);
    expect(this.ledger.examples).toEqual([]);
  }
}

async function deleteHalf(admin: Admin, { ledger, partitions }: Reader): Promise<void> {
  const half = (partition: number) => Math.floor(ledger.endOffset(partition) / 2);
  (await admin.deleteRecords(partitions.map((tp) => ({ ...tp, beforeOffset: half(tp.partition) })))).all();
}
