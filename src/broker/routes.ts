/**
 * Every API that is served: who answers it, and the right that it takes. ApiVersions advertises exactly these rows. A new API is a message
 * in `protocol`, a row here, a handler, a test.
 */
import { type Api, Apis, type Infer, type MessageSchema } from '#protocol';
import type { BrokerParts } from './broker-parts.ts';
import { createAcls, deleteAcls, describeAcls } from './handlers/acls.ts';
import { alterConfigs, incrementalAlterConfigs } from './handlers/alter-configs.ts';
import { apiVersions } from './handlers/api-versions.ts';
import { alterClientQuotas, describeClientQuotas } from './handlers/client-quotas.ts';
import { describeCluster, describeTopicPartitions } from './handlers/cluster.ts';
import { consumerGroupDescribe, consumerGroupHeartbeat } from './handlers/consumer-groups.ts';
import { findCoordinator } from './handlers/coordinators.ts';
import { deleteRecords } from './handlers/delete-records.ts';
import { describeConfigs, listConfigResources } from './handlers/describe-configs.ts';
import { updateFeatures } from './handlers/features.ts';
import { fetch } from './handlers/fetch.ts';
import { offsetCommit, offsetFetch } from './handlers/group-offsets.ts';
import {
  deleteGroups,
  describeGroups,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  syncGroup,
} from './handlers/groups.ts';
import { alterPartitionReassignments, electLeaders, listPartitionReassignments } from './handlers/leaders.ts';
import { listOffsets } from './handlers/list-offsets.ts';
import { alterReplicaLogDirs, describeLogDirs } from './handlers/log-dirs.ts';
import { metadata } from './handlers/metadata.ts';
import { offsetDelete } from './handlers/offset-delete.ts';
import { offsetForLeaderEpoch } from './handlers/offset-for-leader-epoch.ts';
import { produce } from './handlers/produce.ts';
import { describeQuorum } from './handlers/quorum.ts';
import { describeUserScramCredentials, unregisterBroker } from './handlers/registrations.ts';
import { getTelemetrySubscriptions, pushTelemetry } from './handlers/telemetry.ts';
import { createPartitions, createTopics, deleteTopics } from './handlers/topics.ts';
import { describeProducers, describeTransactions, listTransactions } from './handlers/transaction-queries.ts';
import { addOffsetsToTxn, addPartitionsToTxn, endTxn, initProducerId } from './handlers/transactions.ts';
import { txnOffsetCommit } from './handlers/txn-offset-commit.ts';
import { writeTxnMarkers } from './handlers/write-txn-markers.ts';
import type { RequestContext } from './server/request-context.ts';
import { type Answer, type Rights, type Route, route } from './server/route.ts';
import { RouteTable } from './server/route-table.ts';

export interface RouteOptions {
  /** Clients push their metrics only where they are told that they may. */
  readonly hasTelemetry: boolean;
}

export function routes(broker: BrokerParts, { hasTelemetry }: RouteOptions): RouteTable {
  const served = <Request extends MessageSchema, Response extends MessageSchema>(
    api: Api<Request, Response>,
    rights: Rights,
    handle: (broker: BrokerParts, context: RequestContext, request: Infer<Request>) => Answer<Response>,
  ): Route => route(api, rights, (context, request) => handle(broker, context, request));
  const telemetry = () => [
    served(Apis.GetTelemetrySubscriptions, { operation: 'describe', resource: 'cluster' }, getTelemetrySubscriptions),
    served(Apis.PushTelemetry, { operation: 'describe', resource: 'cluster' }, pushTelemetry),
  ];
  const table: RouteTable = new RouteTable([
    ...(hasTelemetry ? telemetry() : []),
    // Old librdkafka wants to see version 0 before it uses compression, though nobody answers it (KAFKA-18659).
    served(Apis.Produce, { operation: 'write', resource: 'topic', advertisedMinVersion: 0 }, produce),
    served(Apis.Fetch, { operation: 'read', resource: 'topic' }, fetch),
    served(Apis.ListOffsets, { operation: 'describe', resource: 'topic' }, listOffsets),
    served(Apis.Metadata, { operation: 'describe', resource: 'topic' }, metadata),
    served(Apis.OffsetCommit, { operation: 'read', resource: 'group' }, offsetCommit),
    served(Apis.OffsetFetch, { operation: 'describe', resource: 'group' }, offsetFetch),
    served(Apis.FindCoordinator, { operation: 'describe', resource: 'group' }, findCoordinator),
    served(Apis.JoinGroup, { operation: 'read', resource: 'group' }, joinGroup),
    served(Apis.Heartbeat, { operation: 'read', resource: 'group' }, heartbeat),
    served(Apis.LeaveGroup, { operation: 'read', resource: 'group' }, leaveGroup),
    served(Apis.SyncGroup, { operation: 'read', resource: 'group' }, syncGroup),
    served(Apis.DescribeGroups, { operation: 'describe', resource: 'group' }, describeGroups),
    served(Apis.ListGroups, { operation: 'describe', resource: 'group' }, listGroups),
    route(Apis.ApiVersions, { operation: 'describe', resource: 'cluster' }, (context, request) =>
      apiVersions(broker, table, context, request),
    ),
    served(Apis.CreateTopics, { operation: 'create', resource: 'cluster' }, createTopics),
    served(Apis.DeleteTopics, { operation: 'delete', resource: 'topic' }, deleteTopics),
    served(Apis.DeleteRecords, { operation: 'delete', resource: 'topic' }, deleteRecords),
    served(Apis.InitProducerId, { operation: 'idempotent-write', resource: 'cluster' }, initProducerId),
    served(Apis.OffsetForLeaderEpoch, { operation: 'describe', resource: 'topic' }, offsetForLeaderEpoch),
    served(Apis.AddPartitionsToTxn, { operation: 'write', resource: 'transactional-id' }, addPartitionsToTxn),
    served(Apis.AddOffsetsToTxn, { operation: 'write', resource: 'transactional-id' }, addOffsetsToTxn),
    served(Apis.EndTxn, { operation: 'write', resource: 'transactional-id' }, endTxn),
    served(Apis.WriteTxnMarkers, { operation: 'alter', resource: 'cluster' }, writeTxnMarkers),
    served(Apis.TxnOffsetCommit, { operation: 'read', resource: 'group' }, txnOffsetCommit),
    served(Apis.DescribeAcls, { operation: 'describe', resource: 'cluster' }, describeAcls),
    served(Apis.CreateAcls, { operation: 'alter', resource: 'cluster' }, createAcls),
    served(Apis.DeleteAcls, { operation: 'alter', resource: 'cluster' }, deleteAcls),
    served(Apis.DescribeConfigs, { operation: 'describe-configs', resource: 'topic' }, describeConfigs),
    served(Apis.AlterConfigs, { operation: 'alter-configs', resource: 'topic' }, alterConfigs),
    served(Apis.AlterReplicaLogDirs, { operation: 'alter', resource: 'cluster' }, alterReplicaLogDirs),
    served(Apis.DescribeLogDirs, { operation: 'describe', resource: 'cluster' }, describeLogDirs),
    served(Apis.CreatePartitions, { operation: 'alter', resource: 'topic' }, createPartitions),
    served(Apis.DeleteGroups, { operation: 'delete', resource: 'group' }, deleteGroups),
    served(Apis.ElectLeaders, { operation: 'alter', resource: 'cluster' }, electLeaders),
    served(Apis.IncrementalAlterConfigs, { operation: 'alter-configs', resource: 'topic' }, incrementalAlterConfigs),
    served(Apis.AlterPartitionReassignments, { operation: 'alter', resource: 'cluster' }, alterPartitionReassignments),
    served(Apis.ListPartitionReassignments, { operation: 'describe', resource: 'cluster' }, listPartitionReassignments),
    served(Apis.OffsetDelete, { operation: 'delete', resource: 'group' }, offsetDelete),
    served(
      Apis.DescribeUserScramCredentials,
      { operation: 'describe', resource: 'cluster' },
      describeUserScramCredentials,
    ),
    served(Apis.DescribeQuorum, { operation: 'describe', resource: 'cluster' }, describeQuorum),
    served(Apis.UpdateFeatures, { operation: 'alter', resource: 'cluster' }, updateFeatures),
    served(Apis.DescribeClientQuotas, { operation: 'describe-configs', resource: 'cluster' }, describeClientQuotas),
    served(Apis.AlterClientQuotas, { operation: 'alter-configs', resource: 'cluster' }, alterClientQuotas),
    served(Apis.DescribeCluster, { operation: 'describe', resource: 'cluster' }, describeCluster),
    served(Apis.DescribeProducers, { operation: 'read', resource: 'topic' }, describeProducers),
    served(Apis.UnregisterBroker, { operation: 'alter', resource: 'cluster' }, unregisterBroker),
    served(Apis.DescribeTransactions, { operation: 'describe', resource: 'transactional-id' }, describeTransactions),
    served(Apis.ListTransactions, { operation: 'describe', resource: 'transactional-id' }, listTransactions),
    served(Apis.ListConfigResources, { operation: 'describe-configs', resource: 'cluster' }, listConfigResources),
    served(Apis.ConsumerGroupHeartbeat, { operation: 'read', resource: 'group' }, consumerGroupHeartbeat),
    served(Apis.ConsumerGroupDescribe, { operation: 'describe', resource: 'group' }, consumerGroupDescribe),
    served(Apis.DescribeTopicPartitions, { operation: 'describe', resource: 'topic' }, describeTopicPartitions),
  ]);
  return table;
}
