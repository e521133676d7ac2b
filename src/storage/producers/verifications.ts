/**
 * First batches of transactions for which the transaction coordinator is being asked whether it knows of them. ◇
 *
 * The coordinator's answer may be old when it comes: a marker may have ended the transaction meanwhile. So each question has an object of
 * its own, which whatever is written of the producer makes worthless; only a batch that comes with the present one begins a transaction.
 * It remembers the lowest sequence that came: a higher one must not be written while the lower one has to be sent again.
 * @see KIP-890
 */

export interface Verification {
  readonly producerEpoch: number;
  /** -1 for those who write without sequences (offsets of groups). */
  readonly lowestSequence: number;
  /** The producer takes a new epoch with each transaction (transactions v2), so what it writes first has sequence 0. */
  readonly bumpsEpoch: boolean;
}

/** Stands for no verification, where one may be needed. */
export const NOT_VERIFIED: Verification = { producerEpoch: -1, lowestSequence: -1, bumpsEpoch: false };

interface Asked {
  producerEpoch: number;
  lowestSequence: number;
  readonly bumpsEpoch: boolean;
  readonly askedMs: number;
}

export class Verifications {
  readonly #asked = new Map<number, Asked>();

  /** The question that is open for this producer. */
  find(producerId: number): Verification | undefined {
    return this.#asked.size === 0 ? undefined : this.#asked.get(producerId);
  }

  /** Opens a question, or joins the open one. @param wallMs now */
  begin(producerId: number, verification: Verification, wallMs: number): Verification {
    const { producerEpoch, lowestSequence } = verification;
    let asked = this.#asked.get(producerId);
    if (asked === undefined) this.#asked.set(producerId, (asked = { ...verification, askedMs: wallMs }));
    const isNewer = producerEpoch > asked.producerEpoch;
    if (isNewer || (producerEpoch === asked.producerEpoch && lowestSequence < asked.lowestSequence)) {
      asked.producerEpoch = producerEpoch;
      asked.lowestSequence = lowestSequence;
    }
    return asked;
  }

  /** Something of the producer's transactions was written: answers that are still to come are worth nothing. */
  end(producerId: number): void {
    if (this.#asked.size > 0) this.#asked.delete(producerId);
  }

  /** Forgets questions that nobody has come back with. */
  removeExpired(wallMs: number, expirationMs: number): void {
    for (const [producerId, { askedMs }] of this.#asked) {
      if (wallMs - askedMs >= expirationMs) this.#asked.delete(producerId);
    }
  }
}
