/** A partition as far as transactions go: who writes in it, what is open, and how each transaction ended in it. Written for tests alone. */

/** One transaction of one client, as the test numbers them. */
export type Label = number;

interface Writer {
  epoch: number;
  /** The transaction that is open, as labels of its batches; undefined: none. */
  open: Set<Label> | undefined;
  /** Markers that were written: what was verified before one does not count behind it. */
  markerCount: number;
}

export class SimulatedPartition {
  readonly name: string;
  readonly #writers = new Map<number, Writer>();
  /** How each transaction ended here. */
  readonly outcomes = new Map<Label, 'commit' | 'abort'>();

  constructor(name: string) {
    this.name = name;
  }

  /** Of the verification that is about to begin. */
  guard(producerId: number): number {
    return this.#writers.get(producerId)?.markerCount ?? 0;
  }

  isOpen(producerId: number, producerEpoch: number): boolean {
    const writer = this.#writers.get(producerId);
    return writer?.open !== undefined && writer.epoch === producerEpoch;
  }

  openLabels(): Label[] {
    return [...this.#writers.values()].flatMap(({ open }) => [...(open ?? [])]);
  }

  /** @returns whether the batch was taken */
  append(producerId: number, producerEpoch: number, label: Label, guard: number): boolean {
    const writer = this.#writer(producerId);
    if (producerEpoch < writer.epoch) return false;
    if (!this.isOpen(producerId, producerEpoch) && guard !== writer.markerCount) return false;
    writer.epoch = producerEpoch;
    writer.open ??= new Set();
    writer.open.add(label);
    return true;
  }

  /** A marker that comes too late is passed over. */
  mark(type: 'commit' | 'abort', producerId: number, producerEpoch: number, transactionVersion: number): void {
    const writer = this.#writer(producerId);
    if (producerEpoch < writer.epoch) return;
    if (transactionVersion >= 2 && producerEpoch === writer.epoch) return;
    for (const label of writer.open ?? []) {
      if (this.outcomes.has(label)) throw new Error(`one outcome: ${label} ended twice in ${this.name}`);
      this.outcomes.set(label, type);
    }
    writer.open = undefined;
    writer.epoch = producerEpoch;
    writer.markerCount++;
  }

  #writer(producerId: number): Writer {
    const known = this.#writers.get(producerId);
    if (known !== undefined) return known;
    const writer: Writer = { epoch: -1, open: undefined, markerCount: 0 };
    this.#writers.set(producerId, writer);
    return writer;
  }
}
