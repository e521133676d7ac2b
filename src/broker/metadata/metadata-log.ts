/**
 * The log of the cluster, `__cluster_metadata-0`, and the controller machine that lives on it. There is one voter, this node; each
 * start is a new leader epoch of the quorum, recorded in `quorum-state` before anything is written, and begins with a LeaderChange
 * control record, as KRaft does. The records are synced in both durability modes. `image` holds what is committed: all that the
 * broker answers from.
 */
import {
  CLUSTER_METADATA_TOPIC,
  type Clock,
  CorruptError,
  KafkaError,
  type Logger,
  METADATA_TOPIC_ID,
  type Uuid,
} from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import { type Disk, type LogDirectory, startFailure, topicConfig } from '#storage';
import {
  type ControllerEvent,
  ControllerMachine,
  type ControllerRules,
  type EndpointImage,
  METADATA_VERSION,
  METADATA_VERSION_LEVEL,
  MetadataImage,
  type MetadataRecord,
} from '../controller/index.ts';
import { MachineRuntime } from '../coordination/runtime.ts';
import { HostedPartition } from '../hosting/hosted-partition.ts';
import { leaderChangeBatch, metadataCodec } from './metadata-codec.ts';
import { QuorumRecords } from './quorum-records.ts';
import { readQuorumState, writeQuorumState } from './quorum-state.ts';
import { readNewestSnapshot, type SnapshotContent } from './snapshot-file.ts';
import { type SnapshotLimits, Snapshots } from './snapshots.ts';

/** A metadata batch is atomic, so it must fit; Kafka's limit is the same. */
const METADATA_BATCH_BYTES_MAX = 8 * 1024 * 1024;

/** What the controller answered, or why it did not. */
export interface Outcome<T> {
  readonly error: KafkaErrorRow;
  readonly body: T | undefined;
}

export interface MetadataLogOptions {
  /** Where the log lies. */
  readonly directory: LogDirectory;
  readonly disk: Disk;
  readonly nodeId: number;
  readonly rules: ControllerRules;
  readonly limits: MetadataLogLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Hears every record that is committed after the log was loaded, when the image has it already. */
  committed(record: MetadataRecord, image: MetadataImage): void;
  /** Fulfilled when everything that was heard so far is done. */
  settled(): Promise<void>;
}

export interface MetadataLogLimits extends SnapshotLimits {
  /** Of one segment of the log. */
  readonly segmentBytes: number;
  readonly segmentMs: number;
}

export class MetadataLog {
  /** What is committed. Only read it. */
  readonly image = new MetadataImage();
  readonly brokerId: number;
  brokerEpoch = -1;
  readonly #directory: LogDirectory;
  readonly #partition: HostedPartition;
  readonly #runtime: MachineRuntime<ControllerEvent, MetadataRecord>;
  readonly #quorum = new QuorumRecords();
  readonly #snapshots: Snapshots;
  #loadFailure: unknown;
  /** Where the load began. */
  #snapshotEndOffset = 0;
  #isLive = false;

  /** Opens and replays the log as the leader of a new epoch. Rejects when it cannot be read. */
  static async open(options: MetadataLogOptions): Promise<MetadataLog> {
    try {
      return await MetadataLog.#open(options);
    } catch (error) {
      throw startFailure(options.directory.path, error);
    }
  }

  static async #open(options: MetadataLogOptions): Promise<MetadataLog> {
    const { directory, disk, nodeId, limits, clock } = options;
    const config = topicConfig({
      'max.message.bytes': METADATA_BATCH_BYTES_MAX,
      // What snapshots cover goes, and nothing else.
      'retention.ms': -1,
      'segment.bytes': limits.segmentBytes,
      'segment.ms': limits.segmentMs,
    });
    const log = directory.create(CLUSTER_METADATA_TOPIC, 0, METADATA_TOPIC_ID, config);
    const stateFile = `${log.folder}/quorum-state`;
    const known = (await readQuorumState(disk, stateFile)).leaderEpoch;
    // The file may be lost; what is in the log was written by somebody's epoch.
    const leaderEpoch = Math.max(known, log.leaderEpochs.latest?.epoch ?? 0) + 1;
    await writeQuorumState(disk, stateFile, { leaderId: nodeId, leaderEpoch });
    const partition = new HostedPartition(nodeId, log, config);
    directory.onFailure(() => partition.stop(Errors.KAFKA_STORAGE_ERROR));
    partition.assign({ leader: nodeId, leaderEpoch, partitionEpoch: 0, replicas: [nodeId], isr: [nodeId] });
    const metadata = new MetadataLog(partition, options);
    await metadata.#load(leaderChangeBatch(nodeId, leaderEpoch, clock.now().wallMs));
    return metadata;
  }

  private constructor(partition: HostedPartition, options: MetadataLogOptions) {
    this.brokerId = options.nodeId;
    this.#directory = options.directory;
    this.#partition = partition;
    const { disk, clock, logger, limits, settled } = options;
    const { image } = this;
    const quorum = this.#quorum;
    this.#snapshots = new Snapshots({ disk, clock, logger, limits, partition, image, quorum, settled });
    this.#runtime = new MachineRuntime<ControllerEvent, MetadataRecord>({
      name: 'The metadata log',
      partition,
      createMachine: () => new ControllerMachine(options.rules),
      codec: this.#snapshots.counting(metadataCodec(image)),
      controlBatch: (buffer, position) => void quorum.take(buffer, position),
      snapshot: () => this.#readSnapshot(options),
      clock,
      logger,
      requiresSync: true,
      observer: {
        committed: (record, offset) => {
          this.image.apply(record, offset);
          if (!this.#isLive) return;
          options.committed(record, this.image);
          this.#snapshots.committed();
        },
        failed: (error) => {
          this.#loadFailure = error;
        },
      },
    });
  }

  get leaderEpoch(): number {
    return this.#partition.state.leaderEpoch;
  }

  get log(): HostedPartition {
    return this.#partition;
  }

  /** Writes that the cluster begins and that this broker is here. Everything after is heard by `committed`. */
  async register(
    endPoints: readonly EndpointImage[],
    rack: string | null,
    incarnationId: Uuid,
    onlineDirectoryIds: () => readonly Uuid[],
  ): Promise<void> {
    await this.#must((token) => ({ type: 'bootstrap', token }));
    const brokerEpoch = this.#partition.log.logEndOffset;
    await this.#must((token) => ({
      type: 'register-broker',
      token,
      brokerId: this.brokerId,
      incarnationId,
      brokerEpoch,
      endPoints,
      rack,
      logDirs: onlineDirectoryIds(),
    }));
    this.brokerEpoch = brokerEpoch;
    this.#isLive = true;
    await this.#snapshots.loaded(this.#snapshotEndOffset);
  }

  /** Asks the controller. Settles when what it decided is committed and in the image. */
  ask<T>(makeEvent: (token: number) => ControllerEvent): Promise<Outcome<T>> {
    return new Promise((resolve) => {
      this.#runtime.ask(makeEvent, {
        answer: (body) => resolve({ error: Errors.NONE, body: body as T }),
        refuse: (error) => resolve({ error: controllerError(error), body: undefined }),
      });
    });
  }

  /** Writes that this broker goes, where that can be written; nobody hears of it. Then ends. */
  async stop(): Promise<void> {
    if (this.#isLive) {
      this.#isLive = false;
      await this.ask((token) => ({ type: 'stop-broker', token, brokerId: this.brokerId }));
    }
    this.#runtime.stop();
    await this.#snapshots.stop();
  }

  async #load(leaderChange: Buffer): Promise<void> {
    await this.#runtime.load();
    if (this.#loadFailure !== undefined) {
      this.#runtime.stop();
      throw this.#loadFailure;
    }
    this.#checkVersion();
    const result = this.#partition.append(leaderChange, 'coordinator', { requiresSync: true });
    if (result.error !== undefined) throw this.#unwritable(result.error);
    await new Promise<void>((resolve, reject) => {
      const settled = (_: number, error: KafkaErrorRow) =>
        error === Errors.NONE ? resolve() : reject(this.#unwritable(error));
      this.#partition.whenCommitted(result.lastOffset + 1, { settled }, 0, leaderChange.length);
    });
  }

  async #readSnapshot({ disk, logger }: MetadataLogOptions): Promise<SnapshotContent | undefined> {
    const { folder, logStartOffset, logEndOffset } = this.#partition.log;
    const snapshot = await readNewestSnapshot(disk, folder, this.#quorum, logger);
    const endOffset = snapshot?.endOffset ?? 0;
    this.#snapshotEndOffset = endOffset;
    if (endOffset >= logStartOffset && endOffset <= logEndOffset) return snapshot;
    const text = `${folder} holds offsets ${logStartOffset} to ${logEndOffset}, and its newest snapshot what came before ${endOffset}: something is missing. Restore the folder.`;
    throw new CorruptError(text, { file: folder });
  }

  /** Records of a later level may say what we cannot know. */
  #checkVersion(): void {
    const level = this.image.features.get(METADATA_VERSION) ?? METADATA_VERSION_LEVEL;
    if (level <= METADATA_VERSION_LEVEL) return;
    const text = `The data folder has ${METADATA_VERSION}=${level}; up to ${METADATA_VERSION_LEVEL} (Kafka 4.4) is known here. Choose another folder (log.dirs).`;
    throw new KafkaError('UNSUPPORTED_VERSION', text);
  }

  async #must(makeEvent: (token: number) => ControllerEvent): Promise<void> {
    const { error } = await this.ask(makeEvent);
    if (error !== Errors.NONE) throw this.#unwritable(error);
  }

  /** What the disk said, as a start that cannot do without tells it. */
  #unwritable(error: KafkaErrorRow): unknown {
    const { path, failure, shortage } = this.#directory;
    const text = `The metadata log in ${path} cannot be written: ${error.message}`;
    return startFailure(path, failure ?? shortage ?? new KafkaError('STORAGE_FAILED', text));
  }
}

/** What the runtime says about coordinators reads differently for a controller. */
function controllerError(error: KafkaErrorRow): KafkaErrorRow {
  return error === Errors.COORDINATOR_NOT_AVAILABLE ? Errors.KAFKA_STORAGE_ERROR : Errors.NOT_CONTROLLER;
}
