/** The parts of a running broker, as the handlers see them. Made and owned by `broker.ts`. */
import type { Clock, Logger, Random } from '#core';
import type { AdvanceQueue } from './advance-queue.ts';
import type { GroupCoordinators } from './group-coordinators.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { MetadataLog } from './metadata-log.ts';
import type { ProduceDeadlines } from './produce-deadlines.ts';
import type { ProducerIds } from './producer-ids.ts';
import type { RouteTable } from './route-table.ts';
import type { OpenListener } from './server.ts';
import type { BrokerSettings } from './settings.ts';
import type { TopicAdmin } from './topic-admin.ts';

export interface BrokerParts {
  readonly settings: BrokerSettings;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metadata: MetadataLog;
  readonly partitions: HostedPartitions;
  readonly groups: GroupCoordinators;
  readonly producerIds: ProducerIds;
  readonly topics: TopicAdmin;
  readonly listeners: readonly OpenListener[];
  readonly routes: RouteTable;
  readonly advances: AdvanceQueue;
  readonly produceDeadlines: ProduceDeadlines;
}
