/** What a folder holds of transactions, as lines in which producer ids have the numbers of a story: two brokers' folders can be compared. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ByteReader } from '#core';
import {
  batches,
  decode,
  type RawRecord,
  readRecords,
  readTransactionMarker,
  TransactionLogKey,
  TransactionLogValue,
} from '#protocol';

type NumberOf = (producerId: number) => string;

/** By transactional id, in alphabetical order: its records in `__transaction_state`, without their times. */
export function storedStates(dataFolder: string, numberOf: NumberOf): string[] {
  const byId = new Map<string, string[]>();
  for (const log of logsOf(dataFolder, '__transaction_state')) {
    for (const { position } of batches(log)) {
      for (const { key, value } of recordsAt(log, position)) {
        const keyReader = new ByteReader(key!);
        if (keyReader.int16() !== 0) continue;
        const { transactionalId } = decode(TransactionLogKey, 0, keyReader);
        const line = `${transactionalId}: ${value === null ? 'deleted' : stateText(value, numberOf)}`;
        byId.set(transactionalId, [...(byId.get(transactionalId) ?? []), line]);
      }
    }
  }
  return [...byId.keys()].sort().flatMap((id) => byId.get(id)!);
}

function stateText(value: Buffer, numberOf: NumberOf): string {
  const reader = new ByteReader(value);
  const version = reader.int16();
  const stored = decode(TransactionLogValue, version, reader);
  const topics = stored.transactionPartitions?.map(({ topic, partitionIds }) => `${topic} ${[...partitionIds].sort()}`);
  const producer = `${numberOf(stored.producerId)} epoch ${stored.producerEpoch}`;
  const others = `before ${numberOf(stored.previousProducerId)}, next ${numberOf(stored.nextProducerId)} ${stored.nextProducerEpoch}`;
  const started = stored.transactionStartTimestampMs > 0 ? 'started' : 'not started';
  const rest = `${started}, client ${stored.clientTransactionVersion}, ${stored.transactionTimeoutMs} ms`;
  return `v${version} status ${stored.transactionStatus} ${producer} (${others}) ${rest} [${topics?.sort().join('; ') ?? 'null'}]`;
}

/** The batches of a topic, partition by partition. */
export function storedBatches(dataFolder: string, topic: string, numberOf: NumberOf): string[] {
  const lines: string[] = [];
  for (const [partition, log] of logsOf(dataFolder, topic).entries()) {
    for (const { position, header } of batches(log)) {
      if (header.producerId < 0) continue;
      const producer = `${numberOf(header.producerId)} epoch ${header.producerEpoch} sequence ${header.baseSequence}`;
      const what = header.isControl
        ? JSON.stringify(readTransactionMarker(log, position, header))
        : `${header.recordCount} records`;
      const kind = header.isTransactional ? 'transactional' : 'idempotent';
      lines.push(`${topic} ${partition}: ${header.baseOffset} ${producer} ${kind} ${what}`);
    }
  }
  return lines;
}

function recordsAt(log: Buffer, position: number): RawRecord[] {
  const cursor = readRecords(log, position, { decompressedBytesMax: 1 << 20 });
  const records: RawRecord[] = [];
  for (let record = cursor.next(); record !== undefined; record = cursor.next()) records.push(record);
  return records;
}

/** The segments of a topic's partitions, in order. */
function logsOf(dataFolder: string, topic: string): Buffer[] {
  const partitions = readdirSync(dataFolder)
    .map((name) => new RegExp(`^${topic}-(\\d+)$`).exec(name)?.[1])
    .filter((partition) => partition !== undefined)
    .sort((a, b) => Number(a) - Number(b));
  return partitions.map((partition) => {
    const folder = join(dataFolder, `${topic}-${partition}`);
    const segments = readdirSync(folder).filter((name) => name.endsWith('.log'));
    return Buffer.concat(segments.sort().map((name) => readFileSync(join(folder, name))));
  });
}
