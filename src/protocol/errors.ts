/**
 * Kafka's error codes (org.apache.kafka.common.protocol.Errors of 4.4): the int16 of the wire, Kafka's name for it, and
 * what it means, in our words. Expected refusals are these rows, returned as values. `retriable`: the client may send
 * the same again. `invalidMetadata`: it should ask for fresh metadata before.
 */
import { KafkaError } from '#core';

export interface KafkaErrorRow {
  readonly code: number;
  readonly name: string;
  readonly retriable: boolean;
  readonly invalidMetadata: boolean;
  readonly message: string;
}

type Unnamed = Omit<KafkaErrorRow, 'name'>;

export const Errors = named({
  UNKNOWN_SERVER_ERROR: fatal(-1, 'Something failed inside the broker that no other code fits; its log says more.'),
  NONE: fatal(0, 'Success.'),
  OFFSET_OUT_OF_RANGE: fatal(
    1,
    'The log of the partition does not reach to this offset: deleted already, or not written yet.',
  ),
  CORRUPT_MESSAGE: retriable(2, 'A record is damaged, of a wrong size, or has no key although its topic is compacted.'),
  UNKNOWN_TOPIC_OR_PARTITION: stale(3, 'No such topic or partition on this broker.'),
  INVALID_FETCH_SIZE: fatal(4, 'The fetch asks for an impossible number of bytes.'),
  LEADER_NOT_AVAILABLE: stale(5, 'The partition has no leader at the moment; one is being elected.'),
  NOT_LEADER_OR_FOLLOWER: stale(
    6,
    'This broker does not lead the partition, or holds no replica of it. Refresh the metadata.',
  ),
  REQUEST_TIMED_OUT: retriable(7, 'There was no answer in time.'),
  BROKER_NOT_AVAILABLE: fatal(8, 'The broker cannot be reached.'),
  REPLICA_NOT_AVAILABLE: stale(9, 'The broker cannot serve the replica of this partition that was asked for.'),
  MESSAGE_TOO_LARGE: fatal(10, 'A record batch exceeds the limit of the broker or topic (max.message.bytes).'),
  STALE_CONTROLLER_EPOCH: fatal(11, 'The request comes from a controller that has been replaced since.'),
  OFFSET_METADATA_TOO_LARGE: fatal(
    12,
    'The text committed next to an offset is longer than offset.metadata.max.bytes.',
  ),
  NETWORK_EXCEPTION: stale(13, 'The connection was lost while an answer was pending.'),
  COORDINATOR_LOAD_IN_PROGRESS: retriable(14, 'The coordinator still reads its log. Try again shortly.'),
  COORDINATOR_NOT_AVAILABLE: retriable(
    15,
    'No coordinator is up for this group or transaction yet. Try again shortly.',
  ),
  NOT_COORDINATOR: retriable(
    16,
    'Another broker coordinates this group or transaction. Look the coordinator up again.',
  ),
  INVALID_TOPIC_EXCEPTION: fatal(17, 'The topic’s name breaks the rules, or the topic does not permit this.'),
  RECORD_LIST_TOO_LARGE: fatal(18, 'The record batch does not fit into a log segment (segment.bytes).'),
  NOT_ENOUGH_REPLICAS: retriable(19, 'Not written: too few replicas are in sync (min.insync.replicas).'),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: retriable(
    20,
    'Written, but meanwhile too few replicas are in sync (min.insync.replicas).',
  ),
  INVALID_REQUIRED_ACKS: fatal(21, 'acks must be 0, 1 or all (-1).'),
  ILLEGAL_GENERATION: fatal(22, 'The member speaks for a generation that the group is not in.'),
  INCONSISTENT_GROUP_PROTOCOL: fatal(23, 'The member names no protocol, or none that all others of the group share.'),
  INVALID_GROUP_ID: fatal(24, 'This group id cannot be used.'),
  UNKNOWN_MEMBER_ID: fatal(25, 'The group has no such member. Join again.'),
  INVALID_SESSION_TIMEOUT: fatal(
    26,
    'The session timeout is not what the broker permits (group.min/max.session.timeout.ms).',
  ),
  REBALANCE_IN_PROGRESS: fatal(27, 'The group is sharing out its partitions anew. Join again.'),
  INVALID_COMMIT_OFFSET_SIZE: fatal(28, 'The offsets to commit are too much for one record of the offsets topic.'),
  TOPIC_AUTHORIZATION_FAILED: fatal(29, 'Access to the topic is denied.'),
  GROUP_AUTHORIZATION_FAILED: fatal(30, 'Access to the group is denied.'),
  CLUSTER_AUTHORIZATION_FAILED: fatal(31, 'Access to the cluster is denied.'),
  INVALID_TIMESTAMP: fatal(32, 'A record’s timestamp is too far from the broker’s time, or missing.'),
  UNSUPPORTED_SASL_MECHANISM: fatal(33, 'The broker has not enabled this SASL mechanism.'),
  ILLEGAL_SASL_STATE: fatal(34, 'This request may not be sent at this point of the SASL login.'),
  UNSUPPORTED_VERSION: fatal(35, 'The broker does not speak this version of the request.'),
  TOPIC_ALREADY_EXISTS: fatal(36, 'The name is taken by an existing topic.'),
  INVALID_PARTITIONS: fatal(37, 'A topic needs at least one partition, and its partitions can only grow in number.'),
  INVALID_REPLICATION_FACTOR: fatal(38, 'The replication factor must be from 1 up to the brokers that are there.'),
  INVALID_REPLICA_ASSIGNMENT: fatal(39, 'The replicas cannot be placed like this.'),
  INVALID_CONFIG: fatal(40, 'A setting has a value that is not possible.'),
  NOT_CONTROLLER: retriable(41, 'Another node is the controller now.'),
  INVALID_REQUEST: fatal(42, 'The broker cannot make sense of the request. Its log may tell why.'),
  UNSUPPORTED_FOR_MESSAGE_FORMAT: fatal(43, 'The record format in use on the broker is too old for this request.'),
  POLICY_VIOLATION: fatal(44, 'A policy set up on the broker forbids this.'),
  OUT_OF_ORDER_SEQUENCE_NUMBER: fatal(45, 'The producer’s sequence has a gap: an earlier batch is missing.'),
  DUPLICATE_SEQUENCE_NUMBER: fatal(46, 'The batch with this sequence number was written before.'),
  INVALID_PRODUCER_EPOCH: fatal(47, 'The producer’s epoch is too old; a newer instance has taken over.'),
  INVALID_TXN_STATE: fatal(48, 'The transaction is not in a state that permits this step.'),
  INVALID_PRODUCER_ID_MAPPING: fatal(49, 'The transactional id belongs to another producer id.'),
  INVALID_TRANSACTION_TIMEOUT: fatal(50, 'The transaction timeout exceeds transaction.max.timeout.ms of the broker.'),
  CONCURRENT_TRANSACTIONS: retriable(
    51,
    'The previous step of this transactional id has not finished yet. Try again shortly.',
  ),
  TRANSACTION_COORDINATOR_FENCED: fatal(
    52,
    'The marker comes from a coordinator that has lost the transaction to another one.',
  ),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: fatal(53, 'Access to the transactional id is denied.'),
  SECURITY_DISABLED: fatal(54, 'The broker runs without the security feature that this needs.'),
  OPERATION_NOT_ATTEMPTED: fatal(55, 'Skipped, because another part of the same request failed.'),
  KAFKA_STORAGE_ERROR: stale(56, 'The broker could not read or write its files.'),
  LOG_DIR_NOT_FOUND: fatal(57, 'The broker has no such log directory (log.dirs).'),
  SASL_AUTHENTICATION_FAILED: fatal(58, 'The SASL login was refused.'),
  UNKNOWN_PRODUCER_ID: fatal(
    59,
    'The broker has forgotten this producer, probably as all its records have been deleted.',
  ),
  REASSIGNMENT_IN_PROGRESS: fatal(60, 'The partition is being moved to other replicas just now.'),
  DELEGATION_TOKEN_AUTH_DISABLED: fatal(61, 'Delegation tokens are switched off on this broker.'),
  DELEGATION_TOKEN_NOT_FOUND: fatal(62, 'The broker knows no such delegation token.'),
  DELEGATION_TOKEN_OWNER_MISMATCH: fatal(63, 'Only the owner or a renewer of the delegation token may do this.'),
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: fatal(
    64,
    'Delegation tokens need a connection that proves who the client is, without such a token.',
  ),
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: fatal(65, 'Access to the delegation token is denied.'),
  DELEGATION_TOKEN_EXPIRED: fatal(66, 'The delegation token has run out.'),
  INVALID_PRINCIPAL_TYPE: fatal(67, 'The broker knows no principals of this type.'),
  NON_EMPTY_GROUP: fatal(68, 'The group has members still.'),
  GROUP_ID_NOT_FOUND: fatal(69, 'There is no group of this id.'),
  FETCH_SESSION_ID_NOT_FOUND: retriable(70, 'The broker has dropped this fetch session. Start another one.'),
  INVALID_FETCH_SESSION_EPOCH: retriable(71, 'The fetch session continues at another epoch. Start another session.'),
  LISTENER_NOT_FOUND: stale(72, 'The leader cannot be reached through the listener that this client uses.'),
  TOPIC_DELETION_DISABLED: fatal(73, 'The broker does not let topics be deleted (delete.topic.enable).'),
  FENCED_LEADER_EPOCH: stale(74, 'The partition has had a newer leader since. Refresh the metadata.'),
  UNKNOWN_LEADER_EPOCH: retriable(75, 'The broker has not heard of so new a leader epoch yet.'),
  UNSUPPORTED_COMPRESSION_TYPE: fatal(76, 'This version of the request is too old for the compression (zstd).'),
  STALE_BROKER_EPOCH: fatal(77, 'The broker has registered anew since, under another epoch.'),
  OFFSET_NOT_AVAILABLE: retriable(78, 'The new leader cannot tell the end offset safely yet. Try again shortly.'),
  MEMBER_ID_REQUIRED: fatal(79, 'The broker has issued a member id. Join again, with it.'),
  PREFERRED_LEADER_NOT_AVAILABLE: stale(80, 'The preferred leader is down or not in sync.'),
  GROUP_MAX_SIZE_REACHED: fatal(81, 'The group is full (group.max.size).'),
  FENCED_INSTANCE_ID: fatal(82, 'Another member has taken over this group.instance.id; each may have one member only.'),
  ELIGIBLE_LEADERS_NOT_AVAILABLE: stale(83, 'None of the replicas that may lead is up.'),
  ELECTION_NOT_NEEDED: stale(84, 'The partition has the right leader already.'),
  NO_REASSIGNMENT_IN_PROGRESS: fatal(85, 'The partition is not being moved.'),
  GROUP_SUBSCRIBED_TO_TOPIC: fatal(86, 'The group reads this topic at present, so its offsets cannot be deleted.'),
  INVALID_RECORD: fatal(87, 'The broker refuses the record; it breaks a rule of its topic or of the format.'),
  UNSTABLE_OFFSET_COMMIT: retriable(
    88,
    'A pending transaction may still change the committed offset. Try again shortly.',
  ),
  THROTTLING_QUOTA_EXCEEDED: retriable(89, 'A quota is used up. Try again later.'),
  PRODUCER_FENCED: fatal(90, 'A newer producer with this transactional id has taken over.'),
  RESOURCE_NOT_FOUND: fatal(91, 'What the request names does not exist.'),
  DUPLICATE_RESOURCE: fatal(92, 'The request names one thing twice.'),
  UNACCEPTABLE_CREDENTIAL: fatal(93, 'The credential is too weak or not well formed.'),
  INCONSISTENT_VOTER_SET: fatal(94, 'Sender and receiver do not agree on who votes.'),
  INVALID_UPDATE_VERSION: fatal(95, 'The update is based on a wrong version.'),
  FEATURE_UPDATE_FAILED: fatal(96, 'The cluster’s features could not be changed, for a reason inside the controller.'),
  PRINCIPAL_DESERIALIZATION_FAILURE: fatal(
    97,
    'The controller cannot read whose request was forwarded; check the cluster’s security.',
  ),
  SNAPSHOT_NOT_FOUND: fatal(98, 'The node does not have this snapshot.'),
  POSITION_OUT_OF_RANGE: fatal(99, 'The snapshot has no such position.'),
  UNKNOWN_TOPIC_ID: stale(100, 'No topic of this id on this broker.'),
  DUPLICATE_BROKER_REGISTRATION: fatal(101, 'Another running broker uses this node id.'),
  BROKER_ID_NOT_REGISTERED: fatal(102, 'No broker is registered under this node id.'),
  INCONSISTENT_TOPIC_ID: stale(103, 'The topic has another id than the request says; it was probably made anew.'),
  INCONSISTENT_CLUSTER_ID: fatal(104, 'The request is meant for another cluster.'),
  TRANSACTIONAL_ID_NOT_FOUND: fatal(105, 'The coordinator knows no such transactional id.'),
  FETCH_SESSION_TOPIC_ID_ERROR: retriable(
    106,
    'A fetch session must name topics either by id or by name all along. Start another one.',
  ),
  INELIGIBLE_REPLICA: fatal(107, 'A replica that may not be in sync is listed in the new ISR.'),
  NEW_LEADER_ELECTED: fatal(108, 'The change is done, and it gave the partition another leader.'),
  OFFSET_MOVED_TO_TIERED_STORAGE: fatal(109, 'The records at this offset are in remote storage only.'),
  FENCED_MEMBER_EPOCH: fatal(110, 'The group goes on without this member. Give up all partitions, then join again.'),
  UNRELEASED_INSTANCE_ID: fatal(
    111,
    'A member with this group.instance.id is in the group; it has to leave before another joins.',
  ),
  UNSUPPORTED_ASSIGNOR: fatal(112, 'The group cannot work with this assignor, or not with this version of it.'),
  STALE_MEMBER_EPOCH: fatal(113, 'The member’s epoch is out of date. Heartbeat to learn the new one, then try again.'),
  MISMATCHED_ENDPOINT_TYPE: fatal(114, 'The request belongs to the other kind of listener: broker or controller.'),
  UNSUPPORTED_ENDPOINT_TYPE: fatal(115, 'There is no such kind of listener.'),
  UNKNOWN_CONTROLLER_ID: fatal(116, 'There is no controller of this node id.'),
  UNKNOWN_SUBSCRIPTION_ID: fatal(
    117,
    'The telemetry belongs to a subscription that is not current. Fetch the current one.',
  ),
  TELEMETRY_TOO_LARGE: fatal(118, 'The telemetry exceeds telemetry.max.bytes of the broker.'),
  INVALID_REGISTRATION: fatal(119, 'The controller does not accept what the broker says about itself.'),
  TRANSACTION_ABORTABLE: fatal(120, 'The transaction cannot be committed. Abort it, then go on with a new one.'),
  INVALID_RECORD_STATE: fatal(121, 'The record cannot be acknowledged: it is no longer with this member.'),
  SHARE_SESSION_NOT_FOUND: retriable(122, 'The broker has dropped this share session. Start another one.'),
  INVALID_SHARE_SESSION_EPOCH: retriable(123, 'The share session continues at another epoch. Start another session.'),
  FENCED_STATE_EPOCH: fatal(124, 'The request names another epoch of the share state than the coordinator has.'),
  INVALID_VOTER_KEY: fatal(125, 'The request is meant for another voter than the one that got it.'),
  DUPLICATE_VOTER: fatal(126, 'This node votes already.'),
  VOTER_NOT_FOUND: fatal(127, 'This node is none of the voters.'),
  INVALID_REGULAR_EXPRESSION: fatal(128, 'The broker cannot compile the pattern.'),
  REBOOTSTRAP_REQUIRED: fatal(129, 'The client knows too little of the cluster. Connect to bootstrap.servers again.'),
  STREAMS_INVALID_TOPOLOGY: fatal(130, 'The Streams topology is not possible.'),
  STREAMS_INVALID_TOPOLOGY_EPOCH: fatal(131, 'The epoch of the Streams topology is not possible.'),
  STREAMS_TOPOLOGY_FENCED: fatal(132, 'The group uses a newer Streams topology.'),
  SHARE_SESSION_LIMIT_REACHED: retriable(133, 'The broker cannot hold more share sessions.'),
  GROUP_DELETION_FAILED: fatal(134, 'Some groups could not be deleted; each one’s result says why.'),
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: fatal(
    135,
    'The description of the Streams topology was not taken over; the answer’s text says why.',
  ),
  CONTROLLER_ID_NOT_REGISTERED: fatal(136, 'No controller is registered under this node id.'),
});

const byCode = new Map<number, KafkaErrorRow>(Object.values(Errors).map((row) => [row.code, row]));

/** The row of a code; a code that Kafka 4.4 does not have reads as UNKNOWN_SERVER_ERROR, as in Kafka's own clients. */
export function errorByCode(code: number): KafkaErrorRow {
  return byCode.get(code) ?? Errors.UNKNOWN_SERVER_ERROR;
}

/** The row of a name such as a `KafkaError` carries in `code`; undefined for names that are not on the wire. */
export function errorByName(name: string): KafkaErrorRow | undefined {
  return Object.hasOwn(Errors, name) ? Errors[name as keyof typeof Errors] : undefined;
}

/** An error to throw or to reject with. `detail` stands before the row's text: what, where, which value. */
export function toKafkaError(code: number | KafkaErrorRow, detail?: string, cause?: unknown): KafkaError {
  const row = typeof code === 'number' ? errorByCode(code) : code;
  const message = detail === undefined ? row.message : `${detail}: ${row.message}`;
  const options = { retriable: row.retriable, errorCode: typeof code === 'number' ? code : row.code };
  return new KafkaError(row.name, message, cause === undefined ? options : { ...options, cause });
}

function fatal(code: number, message: string): Unnamed {
  return { code, retriable: false, invalidMetadata: false, message };
}

function retriable(code: number, message: string): Unnamed {
  return { code, retriable: true, invalidMetadata: false, message };
}

/** Retriable, once the metadata is fresh. */
function stale(code: number, message: string): Unnamed {
  return { code, retriable: true, invalidMetadata: true, message };
}

function named<const T extends Record<string, Unnamed>>(rows: T): { readonly [N in keyof T]: KafkaErrorRow } {
  const entries = Object.entries(rows).map(([name, row]) => [name, { ...row, name }]);
  return Object.fromEntries(entries) as { [N in keyof T]: KafkaErrorRow };
}
