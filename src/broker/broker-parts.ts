/** The parts of a running broker, as the handlers see them. Made and owned by `broker.ts`. */
import type { Clock, Logger, Random } from '#core';
import type { LogDirectories } from '#storage';
import type { LiveConfig } from './config/live-config.ts';
import type { BrokerSettings } from './config/settings.ts';
import type { GroupCoordinators } from './coordination/group-coordinators.ts';
import type { PartitionMarkers } from './coordination/partition-markers.ts';
import type { TransactionCoordinators } from './coordination/transaction-coordinators.ts';
import type { TransactionGate } from './coordination/transaction-gate.ts';
import type { FetchSessionCache } from './fetch-session/index.ts';
import type { HostedPartitions } from './hosting/hosted-partitions.ts';
import type { ReplicaMoves } from './hosting/replica-moves.ts';
import type { MetadataLog } from './metadata/metadata-log.ts';
import type { ProducerIds } from './metadata/producer-ids.ts';
import type { TopicAdmin } from './metadata/topic-admin.ts';
import type { RequestMeter } from './meters/request-meter.ts';
import type { Traffic } from './meters/topic-traffic.ts';
import type { AdvanceQueue } from './purgatory/advance-queue.ts';
import type { TimerWheel } from './purgatory/timer-wheel.ts';
import type { OpenListener } from './server/open-listener.ts';
import type { RequestQuotas } from './server/request-quotas.ts';
import type { TelemetryReceiver } from './telemetry/index.ts';

export interface BrokerParts {
  readonly settings: BrokerSettings;
  /** Keys that may change while the broker runs are read, or watched, here. */
  readonly live: LiveConfig;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly directories: LogDirectories;
  readonly metadata: MetadataLog;
  readonly partitions: HostedPartitions;
  readonly moves: ReplicaMoves;
  readonly groups: GroupCoordinators;
  readonly transactions: TransactionCoordinators;
  readonly markers: PartitionMarkers;
  readonly gate: TransactionGate;
  readonly producerIds: ProducerIds;
  readonly topics: TopicAdmin;
  readonly quotas: RequestQuotas;
  readonly telemetry: TelemetryReceiver;
  readonly meter: RequestMeter;
  readonly traffic: Traffic;
  readonly listeners: readonly OpenListener[];
  readonly fetchSessions: FetchSessionCache;
  readonly advances: AdvanceQueue;
  /** Of produce requests that wait for the high watermark, as long as their clients say. */
  readonly produceDeadlines: TimerWheel;
  /** Of parked fetches. */
  readonly fetchDeadlines: TimerWheel;
}
