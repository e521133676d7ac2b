/**
 * Every API that is served: who answers it, and the right that it takes. ApiVersions advertises exactly these rows. A new API is a message
 * in `protocol`, a row here, a handler, a test.
 */
import { Apis } from '#protocol';
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
import { describeLogDirs } from './handlers/log-dirs.ts';
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
import { type Route, route } from './server/route.ts';
import { RouteTable } from './server/route-table.ts';

export interface RouteOptions {
  /** Clients push their metrics only where they are told that they may. */
  readonly hasTelemetry: boolean;
}

export function routes({ hasTelemetry }: RouteOptions): RouteTable {
  return new RouteTable([
    ...(hasTelemetry ? telemetryRoutes() : []),
    // Old librdkafka wants to see version 0 before it uses compression, though nobody answers it (KAFKA-18659).
    route(Apis.Produce, { operation: 'write', resource: 'topic', advertisedMinVersion: 0 }, produce),
    route(Apis.Fetch, { operation: 'read', resource: 'topic' }, fetch),
    route(Apis.ListOffsets, { operation: 'describe', resource: 'topic' }, listOffsets),
    route(Apis.Metadata, { operation: 'describe', resource: 'topic' }, metadata),
    route(Apis.OffsetCommit, { operation: 'read', resource: 'group' }, offsetCommit),
    route(Apis.OffsetFetch, { operation: 'describe', resource: 'group' }, offsetFetch),
    route(Apis.FindCoordinator, { operation: 'describe', resource: 'group' }, findCoordinator),
    route(Apis.JoinGroup, { operation: 'read', resource: 'group' }, joinGroup),
    route(Apis.Heartbeat, { operation: 'read', resource: 'group' }, heartbeat),
    route(Apis.LeaveGroup, { operation: 'read', resource: 'group' }, leaveGroup),
    route(Apis.SyncGroup, { operation: 'read', resource: 'group' }, syncGroup),
    route(Apis.DescribeGroups, { operation: 'describe', resource: 'group' }, describeGroups),
    route(Apis.ListGroups, { operation: 'describe', resource: 'group' }, listGroups),
    route(Apis.ApiVersions, { operation: 'describe', resource: 'cluster' }, apiVersions),
    route(Apis.CreateTopics, { operation: 'create', resource: 'cluster' }, createTopics),
    route(Apis.DeleteTopics, { operation: 'delete', resource: 'topic' }, deleteTopics),
    route(Apis.DeleteRecords, { operation: 'delete', resource: 'topic' }, deleteRecords),
    route(Apis.InitProducerId, { operation: 'idempotent-write', resource: 'cluster' }, initProducerId),
    route(Apis.OffsetForLeaderEpoch, { operation: 'describe', resource: 'topic' }, offsetForLeaderEpoch),
    route(Apis.AddPartitionsToTxn, { operation: 'write', resource: 'transactional-id' }, addPartitionsToTxn),
    route(Apis.AddOffsetsToTxn, { operation: 'write', resource: 'transactional-id' }, addOffsetsToTxn),
    route(Apis.EndTxn, { operation: 'write', resource: 'transactional-id' }, endTxn),
    route(Apis.WriteTxnMarkers, { operation: 'alter', resource: 'cluster' }, writeTxnMarkers),
    route(Apis.TxnOffsetCommit, { operation: 'read', resource: 'group' }, txnOffsetCommit),
    route(Apis.DescribeConfigs, { operation: 'describe-configs', resource: 'topic' }, describeConfigs),
    route(Apis.AlterConfigs, { operation: 'alter-configs', resource: 'topic' }, alterConfigs),
    route(Apis.DescribeLogDirs, { operation: 'describe', resource: 'cluster' }, describeLogDirs),
    route(Apis.CreatePartitions, { operation: 'alter', resource: 'topic' }, createPartitions),
    route(Apis.DeleteGroups, { operation: 'delete', resource: 'group' }, deleteGroups),
    route(Apis.ElectLeaders, { operation: 'alter', resource: 'cluster' }, electLeaders),
    route(Apis.IncrementalAlterConfigs, { operation: 'alter-configs', resource: 'topic' }, incrementalAlterConfigs),
    route(Apis.AlterPartitionReassignments, { operation: 'alter', resource: 'cluster' }, alterPartitionReassignments),
    route(Apis.ListPartitionReassignments, { operation: 'describe', resource: 'cluster' }, listPartitionReassignments),
    route(Apis.OffsetDelete, { operation: 'delete', resource: 'group' }, offsetDelete),
    route(
      Apis.DescribeUserScramCredentials,
      { operation: 'describe', resource: 'cluster' },
      describeUserScramCredentials,
    ),
    route(Apis.DescribeQuorum, { operation: 'describe', resource: 'cluster' }, describeQuorum),
    route(Apis.UpdateFeatures, { operation: 'alter', resource: 'cluster' }, updateFeatures),
    route(Apis.DescribeClientQuotas, { operation: 'describe-configs', resource: 'cluster' }, describeClientQuotas),
    route(Apis.AlterClientQuotas, { operation: 'alter-configs', resource: 'cluster' }, alterClientQuotas),
    route(Apis.DescribeCluster, { operation: 'describe', resource: 'cluster' }, describeCluster),
    route(Apis.DescribeProducers, { operation: 'read', resource: 'topic' }, describeProducers),
    route(Apis.UnregisterBroker, { operation: 'alter', resource: 'cluster' }, unregisterBroker),
    route(Apis.DescribeTransactions, { operation: 'describe', resource: 'transactional-id' }, describeTransactions),
    route(Apis.ListTransactions, { operation: 'describe', resource: 'transactional-id' }, listTransactions),
    route(Apis.ListConfigResources, { operation: 'describe-configs', resource: 'cluster' }, listConfigResources),
    route(Apis.ConsumerGroupHeartbeat, { operation: 'read', resource: 'group' }, consumerGroupHeartbeat),
    route(Apis.ConsumerGroupDescribe, { operation: 'describe', resource: 'group' }, consumerGroupDescribe),
    route(Apis.DescribeTopicPartitions, { operation: 'describe', resource: 'topic' }, describeTopicPartitions),
  ]);
}

function telemetryRoutes(): Route[] {
  return [
    route(Apis.GetTelemetrySubscriptions, { operation: 'describe', resource: 'cluster' }, getTelemetrySubscriptions),
    route(Apis.PushTelemetry, { operation: 'describe', resource: 'cluster' }, pushTelemetry),
  ];
}
