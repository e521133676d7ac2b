/**
 * Before the first batch of a transaction enters a partition, the transaction coordinator must know that it is part of it: it adds the
 * partition (transactions v2), or says that its producer has (v1). Once the transaction is under way on the partition nobody is asked.
 *
 *     what the producer speaks        of the coordinator wanted    may be told
 *     Produce ≤ 10, offsets ≤ 3       the partition is in it       INVALID_TXN_STATE where it is not
 *     Produce 11, offsets 4           the partition is in it       TRANSACTION_ABORTABLE where it is not
 *     Produce ≥ 12, offsets ≥ 5       add it                       whatever adding is answered with
 *
 * Nothing of it is needed of older producers when `transaction.partition.verification.enable` is off. @see KIP-890
 */
import type { Clock, ConfigOf } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import { NOT_VERIFIED, type Verification } from '#storage';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { ErrorReply, transactionConfigTable, VerifyReply } from '../transaction/index.ts';
import type { ProducerIdentity } from './machine.ts';
import type { TransactionCoordinators } from './transaction-coordinators.ts';

export interface GateSettings {
  /** Producers before transactions v2 are verified too. */
  readonly verifiesAll: boolean;
  readonly retryMs: number;
  readonly retryMsMax: number;
}

/** @param config gives the keys as they count now */
export function gateSettings(config: () => ConfigOf<typeof transactionConfigTable>): GateSettings {
  return {
    get verifiesAll() {
      return config()['transaction.partition.verification.enable'];
    },
    retryMs: config()['add.partitions.to.txn.retry.backoff.ms'],
    retryMsMax: config()['add.partitions.to.txn.retry.backoff.max.ms'],
  };
}

/** What the version of a request says. */
export type GateMode = 'verify' | 'verify-abortable' | 'add';

export interface TransactionalWrite extends ProducerIdentity {
  readonly transactionalId: string;
  readonly mode: GateMode;
  /** Asked again for a while when the transaction before is just being completed; only where partitions are added. */
  readonly isPatient: boolean;
}

export interface GatedBatch {
  readonly partition: HostedPartition;
  /** -1 for one without sequences. */
  readonly baseSequence: number;
}

/** To be appended with this verification (undefined: needs none), or the refusal. */
export type Passage =
  | { readonly error: KafkaErrorRow }
  | { readonly error: undefined; readonly verification: Verification | undefined };

const FREE: Passage = { error: undefined, verification: undefined };
const UNDER_WAY: Passage = { error: undefined, verification: NOT_VERIFIED };

export class TransactionGate {
  readonly #coordinators: TransactionCoordinators;
  readonly #settings: GateSettings;
  readonly #clock: Clock;

  constructor(coordinators: TransactionCoordinators, settings: GateSettings, clock: Clock) {
    this.#coordinators = coordinators;
    this.#settings = settings;
    this.#clock = clock;
  }

  /** `passed` is called once, at once where nobody has to be asked, with a passage for each batch, in order. */
  enter(
    write: TransactionalWrite,
    batches: readonly GatedBatch[],
    passed: (passages: readonly Passage[]) => void,
  ): void {
    const untilMs = this.#clock.monotonicMs() + this.#settings.retryMsMax;
    const tried = (passages: readonly Passage[]): void => {
      const isBusy = passages.some(({ error }) => error === Errors.CONCURRENT_TRANSACTIONS);
      const mayWait = write.mode === 'add' && write.isPatient && this.#clock.monotonicMs() < untilMs;
      if (isBusy && mayWait) this.#clock.setTimer(this.#settings.retryMs, attempt, { unref: true });
      else passed(passages);
    };
    // Each attempt verifies anew: the marker that it waited for has ended what was asked before.
    const attempt = (): void => this.#try(write, batches, tried);
    attempt();
  }

  #try(write: TransactionalWrite, batches: readonly GatedBatch[], tried: (passages: readonly Passage[]) => void): void {
    const passages = batches.map((batch) => this.#look(write, batch));
    const asked = passages.flatMap((passage, index) => (isQuestion(passage) ? [index] : []));
    if (asked.length === 0) {
      tried(passages);
      return;
    }
    const partitions = asked.map((index) => batches[index].partition);
    const answered = (errors: readonly KafkaErrorRow[]): void => {
      for (const [n, index] of asked.entries()) if (errors[n] !== Errors.NONE) passages[index] = { error: errors[n] };
      tried(passages);
    };
    if (write.transactionalId === '') answered(asked.map(() => Errors.INVALID_REQUEST));
    else if (write.mode === 'add') this.#add(write, partitions, answered);
    else this.#verify(write, partitions, answered);
  }

  #look({ producerId, producerEpoch, mode }: TransactionalWrite, { partition, baseSequence }: GatedBatch): Passage {
    const { producers } = partition.log;
    const bumpsEpoch = mode === 'add';
    if (!bumpsEpoch && !this.#settings.verifiesAll) return FREE;
    const known = producers.find(producerId);
    if (known !== undefined && known.epoch > producerEpoch) return { error: Errors.INVALID_PRODUCER_EPOCH };
    if (producers.hasTransaction(producerId, producerEpoch)) return UNDER_WAY;
    const wanted = { producerEpoch, lowestSequence: baseSequence, bumpsEpoch };
    const verification = producers.beginVerification(producerId, wanted, this.#clock.now().wallMs);
    return { error: undefined, verification };
  }

  #add(
    { transactionalId, producerId, producerEpoch }: TransactionalWrite,
    partitions: readonly HostedPartition[],
    answered: (errors: readonly KafkaErrorRow[]) => void,
  ): void {
    this.#coordinators.ask<ErrorReply>(
      transactionalId,
      (token) => {
        const producer = { transactionalId, producerId, producerEpoch };
        return { type: 'add-partitions', token, ...producer, partitions: namesOf(partitions), clientVersion: 2 };
      },
      ({ error, body }) => answered(partitions.map(() => producerError(error ?? body!.error, 'add'))),
    );
  }

  #verify(
    { transactionalId, producerId, producerEpoch, mode }: TransactionalWrite,
    partitions: readonly HostedPartition[],
    answered: (errors: readonly KafkaErrorRow[]) => void,
  ): void {
    this.#coordinators.ask<VerifyReply>(
      transactionalId,
      (token) => {
        const producer = { transactionalId, producerId, producerEpoch };
        return { type: 'verify-partitions', token, ...producer, partitions: namesOf(partitions) };
      },
      ({ error, body }) => answered(partitions.map((_, index) => producerError(error ?? body!.errors[index], mode))),
    );
  }
}

function isQuestion(passage: Passage): boolean {
  return passage.error === undefined && passage !== FREE && passage !== UNDER_WAY;
}

function namesOf(partitions: readonly HostedPartition[]) {
  return partitions.map(({ topic, partition }) => ({ topic, partition }));
}

/** What the coordinator says, as those who write to partitions know it. */
function producerError(error: KafkaErrorRow, mode: GateMode): KafkaErrorRow {
  if (error === Errors.PRODUCER_FENCED) return Errors.INVALID_PRODUCER_EPOCH;
  return error === Errors.TRANSACTION_ABORTABLE && mode === 'verify' ? Errors.INVALID_TXN_STATE : error;
}
