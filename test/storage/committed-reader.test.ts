/** Reads of committed records while segments go or are replaced: batches and aborted transactions are of one log, or neither is given. */
import { describe, expect, test } from '@jest/globals';
import { Errors } from '#protocol';
import { readCommitted } from '../../src/storage/log/committed-reader.ts';
import type { LogRead } from '../../src/storage/log/log-read.ts';

const REQUEST = { bytesMax: 1000, endOffsetMax: 100, atLeastOneBatch: true };
const ABORTED = { producerId: 1, firstOffset: 0, lastOffset: 5, lastStableOffset: 6 };

const readOf = (text: string): LogRead => ({
  error: undefined,
  records: [Buffer.from(text)],
  sizeInBytes: text.length,
  endOffset: 3,
});

function sceneOf(reads: (LogRead | Promise<LogRead>)[]) {
  const asked: number[] = [];
  const log = {
    lastStableOffset: 50,
    read: (_offset: number, { endOffsetMax }: { endOffsetMax: number }) => {
      asked.push(endOffsetMax);
      return reads.shift() as LogRead;
    },
    readFailed: (offset: number) => ({
      error: Errors.KAFKA_STORAGE_ERROR,
      records: [],
      sizeInBytes: 0,
      endOffset: offset,
    }),
  };
  const segments = { changeCount: 0, abortedIn: async () => [ABORTED] };
  return { log, segments, asked };
}

describe('a read of committed records', () => {
  test('is bounded by the last stable offset, and synchronous where all is in memory', () => {
    const { log, segments, asked } = sceneOf([readOf('a')]);
    const read = readCommitted(log, { ...segments, abortedIn: () => [ABORTED] }, 0, REQUEST);
    expect(read).toMatchObject({ sizeInBytes: 1, abortedTransactions: [ABORTED] });
    expect(asked).toEqual([50]);
  });

  test.each(['the batches were read', 'the transactions were looked for'])(
    'begins again when segments changed while %s',
    async (when) => {
      const isLate = when.includes('transactions');
      const { log, segments } = sceneOf([isLate ? readOf('old') : Promise.resolve(readOf('old')), readOf('new')]);
      if (isLate) {
        segments.abortedIn = async () => {
          segments.abortedIn = async () => [ABORTED];
          segments.changeCount++;
          return [];
        };
      }
      const reading = readCommitted(log, segments, 0, REQUEST);
      if (!isLate) segments.changeCount++;
      const { records, abortedTransactions } = await reading;
      expect(String(records[0])).toBe('new');
      expect(abortedTransactions).toEqual([ABORTED]);
    },
  );

  test('that fails begins again when segments changed, and else says so', async () => {
    for (const isChanged of [true, false]) {
      const { log, segments } = sceneOf([readOf('old'), readOf('new')]);
      segments.abortedIn = async () => {
        segments.abortedIn = async () => [ABORTED];
        if (isChanged) segments.changeCount++;
        throw new Error('no such file');
      };
      const read = await readCommitted(log, segments, 7, REQUEST);
      if (isChanged) expect(String(read.records[0])).toBe('new');
      else expect(read).toMatchObject({ error: Errors.KAFKA_STORAGE_ERROR, sizeInBytes: 0, abortedTransactions: [] });
    }
  });
});
