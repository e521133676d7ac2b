/** The batch that ends a transaction: bytes that Apache Kafka 4.4.0 wrote. */
import { describe, expect, test } from '@jest/globals';
import { CorruptError } from '#core';
import {
  buildBatch,
  buildTransactionMarker,
  controlRecordKey,
  readBatchHeader,
  readTransactionMarker,
  sealBatch,
} from '#protocol';

const TIMESTAMP = 0x1a1fcee2f99;
/** Commit marker of producer 0, epoch 1, at offset 1, in leader epoch 0. */
const GOLDEN =
  '0000000000000001000000420000000002 6b7a59ea 0030 00000000 000001a1fcee2f99 000001a1fcee2f99' +
  '0000000000000000 0001 ffffffff 00000001 20 00 00 00 08 00000001 0c 000000000000 00';

const golden = (): Buffer => Buffer.from(GOLDEN.replaceAll(' ', ''), 'hex');

describe('a transaction marker', () => {
  test('is built as Kafka builds it, but for offset and leader epoch, which the log gives', () => {
    const batch = buildTransactionMarker(
      { type: 'commit', coordinatorEpoch: 0 },
      { producerId: 0, producerEpoch: 1 },
      TIMESTAMP,
    );
    batch.writeBigInt64BE(1n, 0);
    batch.writeInt32BE(0, 12);
    expect(batch.toString('hex')).toBe(golden().toString('hex'));
  });

  test.each(['abort', 'commit'] as const)('that says %s is read with its coordinator epoch', (type) => {
    const batch = buildTransactionMarker(
      { type, coordinatorEpoch: 77 },
      { producerId: 5, producerEpoch: 3 },
      TIMESTAMP,
    );
    const padded = Buffer.concat([Buffer.alloc(9), batch]);
    expect(readTransactionMarker(padded, 9, readBatchHeader(padded, 9))).toEqual({ type, coordinatorEpoch: 77 });
  });

  test('is not found in a control batch of another kind, nor where compaction took it', () => {
    const other = buildBatch([{ key: controlRecordKey('leader-change'), value: Buffer.alloc(8), timestamp: 1 }], {
      isControl: true,
    });
    expect(readTransactionMarker(other, 0, readBatchHeader(other, 0))).toBeUndefined();
    const emptied = Buffer.from(golden().subarray(0, 61));
    emptied.writeInt32BE(49, 8);
    emptied.writeInt32BE(0, 57);
    sealBatch(emptied);
    expect(readTransactionMarker(emptied, 0, readBatchHeader(emptied, 0))).toBeUndefined();
  });

  test.each([
    ['has no value', null],
    ['is cut off', Buffer.from([0, 0, 0])],
  ])('that %s is damage', (_name, value) => {
    const batch = buildBatch([{ key: controlRecordKey('abort'), value, timestamp: 1 }], {
      isControl: true,
      producerId: 1,
      producerEpoch: 0,
    });
    expect(() => readTransactionMarker(batch, 0, readBatchHeader(batch, 0))).toThrow(CorruptError);
  });
});
