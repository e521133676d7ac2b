/**
 * Tells the controller where the logs of this broker lie, which log directories have failed and which get no new partitions (Kafka:
 * AssignmentsManager, and the directories of a heartbeat). What comes in one turn goes in one event; what is refused, as by a disk that is full for the
 * moment, is told again. A report that is lost with the process is made again at the next start.
 */
import type { Clock, Timer, Uuid } from '#core';
import { Errors } from '#protocol';
import type { ControllerEvent, ReplicaPlace } from '../controller/index.ts';
import type { MetadataLog } from './metadata-log.ts';

const RETRY_MS = 1000;
/** One event is one batch of records. */
const REPLICAS_PER_EVENT_MAX = 10_000;

export class DirectoryReports {
  readonly #metadata: MetadataLog;
  readonly #clock: Clock;
  #replicas: ReplicaPlace[] = [];
  #failedIds: Uuid[] = [];
  /** Not told yet. */
  #cordonedIds: readonly Uuid[] | undefined;
  #isSending = false;
  #isStopped = false;
  #retry: Timer | undefined;

  constructor(metadata: MetadataLog, clock: Clock) {
    this.#metadata = metadata;
    this.#clock = clock;
  }

  placed(replica: ReplicaPlace): void {
    this.#replicas.push(replica);
    this.#begin();
  }

  failed(directoryId: Uuid): void {
    this.#failedIds.push(directoryId);
    this.#begin();
  }

  cordoned(directoryIds: readonly Uuid[]): void {
    this.#cordonedIds = directoryIds;
    this.#begin();
  }

  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
  }

  #begin(): void {
    if (this.#isSending || this.#isStopped) return;
    this.#isSending = true;
    this.#clock.nextTurn(() => void this.#sendAll());
  }

  async #sendAll(): Promise<void> {
    while (!this.#isStopped && this.#hasMore) {
      if (await this.#sendNext()) continue;
      this.#retry = this.#clock.setTimer(RETRY_MS, () => void this.#sendAll(), { unref: true });
      return;
    }
    this.#isSending = false;
  }

  get #hasMore(): boolean {
    return this.#replicas.length + this.#failedIds.length > 0 || this.#cordonedIds !== undefined;
  }

  /** False when it was refused: it is kept then. */
  async #sendNext(): Promise<boolean> {
    const { brokerId } = this.#metadata;
    if (this.#failedIds.length > 0) {
      const directoryIds = [...this.#failedIds];
      const isTold = await this.#tell((token) => ({ type: 'directories-offline', token, brokerId, directoryIds }));
      if (isTold) this.#failedIds = this.#failedIds.slice(directoryIds.length);
      return isTold;
    }
    if (this.#cordonedIds !== undefined) {
      const directoryIds = this.#cordonedIds;
      const isTold = await this.#tell((token) => ({ type: 'cordon-directories', token, brokerId, directoryIds }));
      if (isTold && this.#cordonedIds === directoryIds) this.#cordonedIds = undefined;
      return isTold;
    }
    const replicas = this.#replicas.slice(0, REPLICAS_PER_EVENT_MAX);
    const isTold = await this.#tell((token) => ({ type: 'assign-replicas', token, brokerId, replicas }));
    if (isTold) this.#replicas = this.#replicas.slice(replicas.length);
    return isTold;
  }

  async #tell(makeEvent: (token: number) => ControllerEvent): Promise<boolean> {
    return (await this.#metadata.ask(makeEvent)).error === Errors.NONE;
  }
}
