/**
 * The table of APIs that we have messages for: number, versions that Kafka 4.4 accepts, request and response. What a
 * broker announces is its own choice out of these.
 */
import { assert } from '#core';
import * as messages from './messages/index.ts';
import type { MessageSchema } from './schema.ts';
import { includes } from './version-range.ts';

export interface Api<Q extends MessageSchema = MessageSchema, S extends MessageSchema = MessageSchema> {
  readonly key: number;
  readonly name: string;
  readonly request: Q;
  readonly response: S;
  readonly minVersion: number;
  /** Highest version that is stable. */
  readonly maxVersion: number;
  /** Whether requests and responses of `version` use compact encoding and tag sections. */
  isFlexible(version: number): boolean;
}

export const Apis = {
  Produce: api('Produce', messages.ProduceRequest, messages.ProduceResponse),
  Fetch: api('Fetch', messages.FetchRequest, messages.FetchResponse),
  ListOffsets: api('ListOffsets', messages.ListOffsetsRequest, messages.ListOffsetsResponse),
  Metadata: api('Metadata', messages.MetadataRequest, messages.MetadataResponse),
  OffsetCommit: api('OffsetCommit', messages.OffsetCommitRequest, messages.OffsetCommitResponse),
  OffsetFetch: api('OffsetFetch', messages.OffsetFetchRequest, messages.OffsetFetchResponse),
  FindCoordinator: api('FindCoordinator', messages.FindCoordinatorRequest, messages.FindCoordinatorResponse),
  JoinGroup: api('JoinGroup', messages.JoinGroupRequest, messages.JoinGroupResponse),
  Heartbeat: api('Heartbeat', messages.HeartbeatRequest, messages.HeartbeatResponse),
  LeaveGroup: api('LeaveGroup', messages.LeaveGroupRequest, messages.LeaveGroupResponse),
  SyncGroup: api('SyncGroup', messages.SyncGroupRequest, messages.SyncGroupResponse),
  DescribeGroups: api('DescribeGroups', messages.DescribeGroupsRequest, messages.DescribeGroupsResponse),
  ListGroups: api('ListGroups', messages.ListGroupsRequest, messages.ListGroupsResponse),
  SaslHandshake: api('SaslHandshake', messages.SaslHandshakeRequest, messages.SaslHandshakeResponse),
  ApiVersions: api('ApiVersions', messages.ApiVersionsRequest, messages.ApiVersionsResponse),
  CreateTopics: api('CreateTopics', messages.CreateTopicsRequest, messages.CreateTopicsResponse),
  DeleteTopics: api('DeleteTopics', messages.DeleteTopicsRequest, messages.DeleteTopicsResponse),
  DeleteRecords: api('DeleteRecords', messages.DeleteRecordsRequest, messages.DeleteRecordsResponse),
  InitProducerId: api('InitProducerId', messages.InitProducerIdRequest, messages.InitProducerIdResponse),
  OffsetForLeaderEpoch: api(
    'OffsetForLeaderEpoch',
    messages.OffsetForLeaderEpochRequest,
    messages.OffsetForLeaderEpochResponse,
  ),
  AddPartitionsToTxn: api(
    'AddPartitionsToTxn',
    messages.AddPartitionsToTxnRequest,
    messages.AddPartitionsToTxnResponse,
  ),
  AddOffsetsToTxn: api('AddOffsetsToTxn', messages.AddOffsetsToTxnRequest, messages.AddOffsetsToTxnResponse),
  EndTxn: api('EndTxn', messages.EndTxnRequest, messages.EndTxnResponse),
  WriteTxnMarkers: api('WriteTxnMarkers', messages.WriteTxnMarkersRequest, messages.WriteTxnMarkersResponse),
  TxnOffsetCommit: api('TxnOffsetCommit', messages.TxnOffsetCommitRequest, messages.TxnOffsetCommitResponse),
  DescribeAcls: api('DescribeAcls', messages.DescribeAclsRequest, messages.DescribeAclsResponse),
  CreateAcls: api('CreateAcls', messages.CreateAclsRequest, messages.CreateAclsResponse),
  DeleteAcls: api('DeleteAcls', messages.DeleteAclsRequest, messages.DeleteAclsResponse),
  DescribeConfigs: api('DescribeConfigs', messages.DescribeConfigsRequest, messages.DescribeConfigsResponse),
  AlterConfigs: api('AlterConfigs', messages.AlterConfigsRequest, messages.AlterConfigsResponse),
  AlterReplicaLogDirs: api(
    'AlterReplicaLogDirs',
    messages.AlterReplicaLogDirsRequest,
    messages.AlterReplicaLogDirsResponse,
  ),
  DescribeLogDirs: api('DescribeLogDirs', messages.DescribeLogDirsRequest, messages.DescribeLogDirsResponse),
  SaslAuthenticate: api('SaslAuthenticate', messages.SaslAuthenticateRequest, messages.SaslAuthenticateResponse),
  CreatePartitions: api('CreatePartitions', messages.CreatePartitionsRequest, messages.CreatePartitionsResponse),
  DeleteGroups: api('DeleteGroups', messages.DeleteGroupsRequest, messages.DeleteGroupsResponse),
  ElectLeaders: api('ElectLeaders', messages.ElectLeadersRequest, messages.ElectLeadersResponse),
  IncrementalAlterConfigs: api(
    'IncrementalAlterConfigs',
    messages.IncrementalAlterConfigsRequest,
    messages.IncrementalAlterConfigsResponse,
  ),
  AlterPartitionReassignments: api(
    'AlterPartitionReassignments',
    messages.AlterPartitionReassignmentsRequest,
    messages.AlterPartitionReassignmentsResponse,
  ),
  ListPartitionReassignments: api(
    'ListPartitionReassignments',
    messages.ListPartitionReassignmentsRequest,
    messages.ListPartitionReassignmentsResponse,
  ),
  OffsetDelete: api('OffsetDelete', messages.OffsetDeleteRequest, messages.OffsetDeleteResponse),
  DescribeClientQuotas: api(
    'DescribeClientQuotas',
    messages.DescribeClientQuotasRequest,
    messages.DescribeClientQuotasResponse,
  ),
  AlterClientQuotas: api('AlterClientQuotas', messages.AlterClientQuotasRequest, messages.AlterClientQuotasResponse),
  DescribeUserScramCredentials: api(
    'DescribeUserScramCredentials',
    messages.DescribeUserScramCredentialsRequest,
    messages.DescribeUserScramCredentialsResponse,
  ),
  DescribeQuorum: api('DescribeQuorum', messages.DescribeQuorumRequest, messages.DescribeQuorumResponse),
  UpdateFeatures: api('UpdateFeatures', messages.UpdateFeaturesRequest, messages.UpdateFeaturesResponse),
  DescribeCluster: api('DescribeCluster', messages.DescribeClusterRequest, messages.DescribeClusterResponse),
  DescribeProducers: api('DescribeProducers', messages.DescribeProducersRequest, messages.DescribeProducersResponse),
  UnregisterBroker: api('UnregisterBroker', messages.UnregisterBrokerRequest, messages.UnregisterBrokerResponse),
  DescribeTransactions: api(
    'DescribeTransactions',
    messages.DescribeTransactionsRequest,
    messages.DescribeTransactionsResponse,
  ),
  ListTransactions: api('ListTransactions', messages.ListTransactionsRequest, messages.ListTransactionsResponse),
  GetTelemetrySubscriptions: api(
    'GetTelemetrySubscriptions',
    messages.GetTelemetrySubscriptionsRequest,
    messages.GetTelemetrySubscriptionsResponse,
  ),
  PushTelemetry: api('PushTelemetry', messages.PushTelemetryRequest, messages.PushTelemetryResponse),
  ListConfigResources: api(
    'ListConfigResources',
    messages.ListConfigResourcesRequest,
    messages.ListConfigResourcesResponse,
  ),
  ConsumerGroupHeartbeat: api(
    'ConsumerGroupHeartbeat',
    messages.ConsumerGroupHeartbeatRequest,
    messages.ConsumerGroupHeartbeatResponse,
  ),
  ConsumerGroupDescribe: api(
    'ConsumerGroupDescribe',
    messages.ConsumerGroupDescribeRequest,
    messages.ConsumerGroupDescribeResponse,
  ),
  DescribeTopicPartitions: api(
    'DescribeTopicPartitions',
    messages.DescribeTopicPartitionsRequest,
    messages.DescribeTopicPartitionsResponse,
  ),
} as const;

export type ApiName = keyof typeof Apis;

const byKey = new Map<number, Api>(Object.values<Api>(Apis).map((row) => [row.key, row]));

/** Undefined for numbers that Kafka 4.4 does not have or that we declare no messages for. */
export function apiByKey(key: number): Api | undefined {
  return byKey.get(key);
}

function api<Q extends MessageSchema, S extends MessageSchema>(name: string, request: Q, response: S): Api<Q, S> {
  assert(request.apiKey !== undefined && request.apiKey === response.apiKey, `${name}: two API keys`);
  const { versions, flexible, latestVersionUnstable } = request;
  return {
    key: request.apiKey,
    name,
    request,
    response,
    minVersion: versions.min,
    maxVersion: versions.max - (latestVersionUnstable ? 1 : 0),
    isFlexible: (version) => includes(flexible, version),
  };
}
