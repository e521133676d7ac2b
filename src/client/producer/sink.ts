/** ◇ One broker as the sender sees it: the queues whose first batch it may be sent, in turn, and the requests under way. */
import { Fifo } from './fifo.ts';
import type { PartitionQueue } from './partition-queue.ts';

export class Sink {
  readonly nodeId: number;
  readonly #listed = new Fifo<PartitionQueue>();
  inFlightCount = 0;
  isConnecting = false;
  /** Monotonic ms. */
  lastSentMs = Number.NEGATIVE_INFINITY;
  /** When the list last stopped being empty, monotonic ms. */
  #waitingSinceMs = 0;

  constructor(nodeId: number) {
    this.nodeId = nodeId;
  }

  get listedCount(): number {
    return this.#listed.length;
  }

  get first(): PartitionQueue | undefined {
    return this.#listed.first;
  }

  list(queue: PartitionQueue, nowMs: number): void {
    if (this.#listed.length === 0) this.#waitingSinceMs = nowMs;
    queue.isListed = true;
    this.#listed.push(queue);
  }

  shift(): void {
    const queue = this.#listed.shift();
    if (queue !== undefined) queue.isListed = false;
  }

  takeListed(): PartitionQueue[] {
    const queues = this.#listed.takeAll();
    for (const queue of queues) queue.isListed = false;
    return queues;
  }

  /** Whether it has been waited for longer than `timeoutMs` without taking anything. */
  isStalled(nowMs: number, timeoutMs: number): boolean {
    return this.#listed.length > 0 && nowMs - Math.max(this.#waitingSinceMs, this.lastSentMs) > timeoutMs;
  }
}
