/** The keys of the transaction coordinator: Kafka's names and defaults, where not said otherwise. */
import { type ConfigOf, defineConfig } from '#core';

export const transactionConfigTable = defineConfig({
  'transaction.max.timeout.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 900_000,
    min: 1,
    importance: 'high',
    doc: 'The longest transaction timeout that a producer may ask for. An open transaction keeps readers of committed records from what comes behind it.',
  },
  'transactional.id.expiration.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 604_800_000,
    min: 1,
    importance: 'high',
    doc: 'How long a transactional id that nobody uses is remembered. One with an open transaction never expires.',
  },
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 10_000,
    min: 1,
    importance: 'low',
    doc: 'How often transactions are looked for that are open for longer than their timeout; they are aborted, and their producers fenced.',
  },
  'transaction.remove.expired.transaction.cleanup.interval.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 3_600_000,
    min: 1,
    importance: 'low',
    doc: 'How often expired transactional ids are looked for.',
  },
  'transaction.partition.verification.enable': {
    dynamic: 'cluster-wide',
    type: 'boolean',
    default: true,
    importance: 'low',
    doc: 'Whether the coordinator is asked if it knows of a transaction before its first batch is written to a partition, where the producer has not written by transactions v2 (there it always is).',
  },
  'add.partitions.to.txn.retry.backoff.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 20,
    min: 1,
    importance: 'high',
    doc: 'How long a batch that begins a transaction waits before the coordinator is asked again, where the transaction before it is just being completed.',
  },
  'add.partitions.to.txn.retry.backoff.max.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 100,
    min: 0,
    importance: 'high',
    doc: 'How long such a batch waits at most; then its producer sends it again.',
  },
  'transaction.state.log.num.partitions': {
    type: 'int',
    default: 50,
    min: 1,
    importance: 'high',
    doc: 'Partitions of `__transaction_state`. Must not change once it exists.',
  },
  'transaction.state.log.replication.factor': {
    type: 'short',
    default: 1,
    min: 1,
    importance: 'high',
    doc: 'Replicas of `__transaction_state`.',
  },
  'transaction.state.log.min.isr': {
    type: 'int',
    default: 1,
    min: 1,
    importance: 'high',
    doc: 'In-sync replicas of `__transaction_state` that a record of it waits for, at most as many as there are.',
  },
  'transaction.state.log.segment.bytes': {
    type: 'int',
    default: 104_857_600,
    min: 1,
    importance: 'high',
    doc: 'Segment size of `__transaction_state`, bytes.',
  },
});

/** What the machine wants to know, in units that a name carries. */
export interface TransactionSettings {
  readonly timeoutMsMax: number;
  readonly idExpirationMs: number;
  readonly timeoutCheckMs: number;
  readonly expiryCheckMs: number;
  /** Most bytes of one batch in the transaction log. */
  readonly batchBytesMax: number;
}

/** `batchBytesMax` is the limit of the topic (`message.max.bytes`), from which a reserve for the batch header is taken here. */
export function transactionSettings(
  config: ConfigOf<typeof transactionConfigTable>,
  batchBytesMax = 1_048_588,
): TransactionSettings {
  return {
    timeoutMsMax: config['transaction.max.timeout.ms'],
    idExpirationMs: config['transactional.id.expiration.ms'],
    timeoutCheckMs: config['transaction.abort.timed.out.transaction.cleanup.interval.ms'],
    expiryCheckMs: config['transaction.remove.expired.transaction.cleanup.interval.ms'],
    batchBytesMax: batchBytesMax - 256,
  };
}
