/** The numbers of idempotent batches, move by move. */
import { describe, expect, test } from '@jest/globals';
import { PartitionSequences, type SequencedBatch, Sequences } from '../../../src/client/producer/sequences.ts';

const OUT_OF_ORDER = 45;
const UNKNOWN_PRODUCER_ID = 59;

class Batch implements SequencedBatch {
  readonly recordCount: number;
  producerId = -1;
  producerEpoch = -1;
  baseSequence = -1;
  isSequenceReset = false;

  constructor(recordCount = 1) {
    this.recordCount = recordCount;
  }

  get numbers(): string {
    return `${this.producerId}:${this.producerEpoch}:${this.baseSequence}`;
  }
}

/** A producer whose first batch, of one record, the broker has: several may be in flight, from sequence 1 on. */
function begun(epoch = 0) {
  const sequences = new Sequences<Batch>();
  sequences.begin(7, epoch);
  const partition = new PartitionSequences<Batch>();
  sequences.completed(partition, leave(sequences, partition, 1)[0], 0);
  return { sequences, partition };
}

function leave(sequences: Sequences<Batch>, partition: PartitionSequences<Batch>, ...counts: number[]): Batch[] {
  return counts.map((count) => {
    const batch = new Batch(count);
    expect(sequences.mayLeave(partition, batch)).toBe(true);
    sequences.leaves(partition, batch);
    return batch;
  });
}

const refused = (errorCode: number, logStartOffset = -1) => ({ errorCode, logStartOffset, isRetriable: false });

describe('numbers', () => {
  test('count records, per partition', () => {
    const { sequences, partition } = begun();
    const [a, b] = leave(sequences, partition, 3, 2);
    const [other] = leave(sequences, new PartitionSequences<Batch>(), 1);
    expect([a, b, other].map((batch) => batch.numbers)).toEqual(['7:0:1', '7:0:4', '7:0:0']);
    expect(partition.nextSequence).toBe(6);
  });

  test('wrap after 2³¹−1', () => {
    const { sequences, partition } = begun();
    partition.nextSequence = 2 ** 31 - 1;
    const [a, b] = leave(sequences, partition, 1, 1);
    expect([a.baseSequence, b.baseSequence]).toEqual([2 ** 31 - 1, 0]);
  });

  test('are not given before there is a producer id', () => {
    const sequences = new Sequences<Batch>();
    expect(sequences.mayLeave(new PartitionSequences<Batch>(), new Batch())).toBe(false);
  });

  test('stay the same for a retry, which leaves only as the first in line', () => {
    const { sequences, partition } = begun();
    const [a, b] = leave(sequences, partition, 1, 1);
    expect(sequences.mayLeave(partition, b)).toBe(false);
    expect(sequences.mayLeave(partition, a)).toBe(true);
    sequences.leaves(partition, a);
    expect(a.numbers).toBe('7:0:1');
    sequences.completed(partition, a, 1);
    expect(sequences.mayLeave(partition, b)).toBe(true);
  });

  test('of the first batch must be acknowledged before others leave: a broker that knows nothing takes any', () => {
    const sequences = new Sequences<Batch>();
    sequences.begin(7, 0);
    const partition = new PartitionSequences<Batch>();
    const [first] = leave(sequences, partition, 1);
    expect(sequences.mayLeave(partition, new Batch())).toBe(false);
    sequences.completed(partition, first, 0);
    expect(sequences.mayLeave(partition, new Batch())).toBe(true);
  });

  test('of a split batch are shared out among its parts', () => {
    const { sequences, partition } = begun();
    const [a, b] = leave(sequences, partition, 5, 1);
    const parts = [new Batch(3), new Batch(2)];
    sequences.split(partition, a, parts);
    expect([...parts, b].map((batch) => batch.baseSequence)).toEqual([1, 4, 6]);
    expect(partition.inFlight).toEqual([...parts, b]);
    expect(sequences.isBefore(partition, parts[1], b)).toBe(true);
    expect(sequences.isBefore(partition, b, parts[1])).toBe(false);
    expect(sequences.isBefore(partition, b, new Batch())).toBe(true);
  });
});

describe('out of order', () => {
  test('behind one that is not settled just waits', () => {
    const { sequences, partition } = begun();
    const [, b] = leave(sequences, partition, 1, 1);
    expect(sequences.mayRetry(partition, b, refused(OUT_OF_ORDER))).toBe(true);
    expect(sequences.settle()).toBe(false);
    expect(b.numbers).toBe('7:0:2');
  });

  test('as the next in line is a real gap: everything in flight is numbered anew', () => {
    const { sequences, partition } = begun();
    const [a, b, c] = leave(sequences, partition, 1, 2, 1);
    sequences.completed(partition, a, 1);
    expect(sequences.mayRetry(partition, b, refused(OUT_OF_ORDER))).toBe(true);
    expect(sequences.mayLeave(partition, b)).toBe(false);
    expect(sequences.settle()).toBe(true);
    expect([b, c].map((batch) => batch.numbers)).toEqual(['7:1:0', '7:1:2']);
    // The answer to what c was before.
    expect(sequences.mayRetry(partition, c, refused(OUT_OF_ORDER))).toBe(true);
    expect(sequences.settle()).toBe(false);
  });

  test('of one that a later one has passed can never be mended: it gets a new number', () => {
    const { sequences, partition } = begun();
    const [a, b] = leave(sequences, partition, 1, 1);
    sequences.completed(partition, b, 5);
    expect(sequences.mayRetry(partition, a, refused(OUT_OF_ORDER))).toBe(true);
    expect(sequences.settle()).toBe(true);
    expect(a.numbers).toBe('7:1:0');
    expect(partition.nextSequence).toBe(1);
  });

  test('again after it left with its new numbers makes another epoch', () => {
    const { sequences, partition } = begun();
    const [a] = leave(sequences, partition, 1);
    sequences.mayRetry(partition, a, refused(OUT_OF_ORDER));
    sequences.settle();
    sequences.leaves(partition, a);
    sequences.mayRetry(partition, a, refused(OUT_OF_ORDER));
    sequences.settle();
    expect(a.numbers).toBe('7:2:0');
  });
});

describe('a new epoch', () => {
  test('follows a batch that failed, and reaches other partitions when nothing of theirs is in flight', () => {
    const { sequences, partition } = begun();
    const other = new PartitionSequences<Batch>();
    const [bad] = leave(sequences, partition, 1);
    const [waiting] = leave(sequences, other, 1);
    sequences.failed(partition, bad);
    expect(sequences.settle()).toBe(true);
    expect(leave(sequences, partition, 1)[0].numbers).toBe('7:1:0');
    expect(sequences.mayLeave(other, new Batch())).toBe(false);
    sequences.completed(other, waiting, 0);
    expect(leave(sequences, other, 1)[0].numbers).toBe('7:1:0');
  });

  test('follows UNKNOWN_PRODUCER_ID once, when the broker says where its log begins', () => {
    const { sequences, partition } = begun();
    const [a, b] = leave(sequences, partition, 1, 1);
    expect(sequences.mayRetry(partition, a, refused(UNKNOWN_PRODUCER_ID))).toBe(true);
    expect(sequences.settle()).toBe(false);
    expect(sequences.mayRetry(partition, a, refused(UNKNOWN_PRODUCER_ID, 10))).toBe(true);
    expect(sequences.settle()).toBe(true);
    expect(sequences.mayRetry(partition, b, refused(UNKNOWN_PRODUCER_ID, 10))).toBe(true);
    expect(sequences.settle()).toBe(false);
    expect([a, b].map((batch) => batch.numbers)).toEqual(['7:1:0', '7:1:1']);
  });

  test('after the last one is a new producer id', () => {
    const { sequences, partition } = begun(32767);
    const [bad, next] = leave(sequences, partition, 1, 1);
    sequences.failed(partition, bad);
    sequences.settle();
    expect(sequences.hasProducerId).toBe(false);
    sequences.begin(8, 0);
    expect(next.numbers).toBe('8:0:0');
  });
});

describe('a batch that expired', () => {
  test('holds new ones back until those in flight are settled', () => {
    const { sequences, partition } = begun();
    const [lost, later] = leave(sequences, partition, 1, 1);
    sequences.expired(partition, lost);
    sequences.settle();
    expect(sequences.mayLeave(partition, new Batch())).toBe(false);
    sequences.completed(partition, later, 2);
    sequences.settle();
    expect(leave(sequences, partition, 1)[0].numbers).toBe('7:0:3');
  });

  test('makes a new epoch when nothing tells that it was written', () => {
    const { sequences, partition } = begun();
    const [lost] = leave(sequences, partition, 1);
    sequences.expired(partition, lost);
    expect(sequences.settle()).toBe(true);
    expect(leave(sequences, partition, 1)[0].numbers).toBe('7:1:0');
  });

  test('before it left changes nothing', () => {
    const { sequences, partition } = begun();
    sequences.expired(partition, new Batch());
    expect(sequences.settle()).toBe(false);
  });
});
