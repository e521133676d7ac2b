/**
 * What the group machine is asked and what it answers: data only. Requests arrive decoded; `token` names the asker and comes back with the
 * answer, perhaps turns later (a parked JoinGroup or SyncGroup). Requests that concern several groups are cut by the handler into one event
 * per offsets partition, and the answers put together again.
 *
 * What the handler does before: authorization; topic ids ↔ names (it fills in both `name` and `topicId` of each topic, zero id if unknown)
 * and answers itself for topics or partitions that do not exist; fetching the client's host.
 */
import type { Uuid } from '#core';
import type {
  ConsumerGroupDescribeRequest,
  ConsumerGroupHeartbeatRequest,
  DeleteGroupsRequest,
  DescribeGroupsRequest,
  HeartbeatRequest,
  JoinGroupRequest,
  LeaveGroupRequest,
  ListGroupsRequest,
  OffsetCommitRequest,
  OffsetDeleteRequest,
  OffsetFetchRequest,
  SyncGroupRequest,
  TxnOffsetCommitRequest,
} from '#protocol';
import type { TimerEvent } from '../coordination/machine.ts';

interface Asked<Type extends string, Request> {
  readonly type: Type;
  /** Names the asker; unique among answers that are still owed. */
  readonly token: number;
  /** The version of the request: some rules depend on it. */
  readonly apiVersion: number;
  readonly request: Request;
}

/** JoinGroup; parked until the join phase is over. */
export interface JoinEvent extends Asked<'join', JoinGroupRequest> {
  readonly clientId: string;
  /** The client's address as Kafka stores it, `/127.0.0.1`. */
  readonly clientHost: string;
  /** A fresh UUID, used if the member needs an id: `<client id>-<uuid>`. */
  readonly newMemberUuid: string;
}

/** ConsumerGroupHeartbeat: never parked. */
export interface ConsumerHeartbeatEvent extends Asked<'consumer-heartbeat', ConsumerGroupHeartbeatRequest> {
  readonly clientId: string;
  /** The client's address as Kafka stores it, `/127.0.0.1`. */
  readonly clientHost: string;
  /** A fresh id for a member of an old client, which brings none. */
  readonly newMemberId: string;
  /** Whether the client may know of a topic: its pattern stands for no other. */
  mayKnow(topic: string): boolean;
}

export type DescribeConsumerGroupsEvent = Asked<'describe-consumer-groups', ConsumerGroupDescribeRequest>;

/** SyncGroup; parked until the leader's arrives. */
export type SyncEvent = Asked<'sync', SyncGroupRequest>;
export type HeartbeatEvent = Asked<'heartbeat', HeartbeatRequest>;
export type LeaveEvent = Asked<'leave', LeaveGroupRequest>;
export type OffsetCommitEvent = Asked<'offset-commit', OffsetCommitRequest>;
export interface OffsetFetchEvent extends Asked<'offset-fetch', OffsetFetchRequest> {
  /** Ids of topics that the request names without one, as far as they are known. */
  readonly topicIds?: ReadonlyMap<string, Uuid>;
}

/** The records proposed for it are part of the producer's transaction. */
export type TxnOffsetCommitEvent = Asked<'txn-offset-commit', TxnOffsetCommitRequest>;
export type OffsetDeleteEvent = Asked<'offset-delete', OffsetDeleteRequest>;
export type ListGroupsEvent = Asked<'list-groups', ListGroupsRequest>;
export type DescribeGroupsEvent = Asked<'describe-groups', DescribeGroupsRequest>;
export type DeleteGroupsEvent = Asked<'delete-groups', DeleteGroupsRequest>;

/** All records have been replayed: timers of loaded members start now. Optional; the first event of any kind does it too. */
export interface LoadedEvent {
  readonly type: 'loaded';
  /** The node was started, and led this partition before: nobody can have heard from the members since the last record. */
  readonly isAfterNodeStart?: boolean;
}

/** The loop stood still for so long: heartbeats may lie unread in the sockets, so all deadlines move by as much. Give it before due timers. */
export interface StallEvent {
  readonly type: 'stall';
  readonly stalledMs: number;
}

/** These topics are gone: their committed offsets go too. */
export interface TopicsDeletedEvent {
  readonly type: 'topics-deleted';
  readonly topics: readonly string[];
}

/** Topics were made, have grown or are gone: groups that read them are to look again. */
export interface TopicsChangedEvent {
  readonly type: 'topics-changed';
  readonly topics: readonly string[];
}

export type GroupRequestEvent =
  | ConsumerHeartbeatEvent
  | DescribeConsumerGroupsEvent
  | JoinEvent
  | SyncEvent
  | HeartbeatEvent
  | LeaveEvent
  | OffsetCommitEvent
  | TxnOffsetCommitEvent
  | OffsetFetchEvent
  | OffsetDeleteEvent
  | ListGroupsEvent
  | DescribeGroupsEvent
  | DeleteGroupsEvent;

export type GroupEvent =
  | GroupRequestEvent
  | TimerEvent
  | LoadedEvent
  | StallEvent
  | TopicsDeletedEvent
  | TopicsChangedEvent;
