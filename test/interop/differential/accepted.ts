/**
 * Where our broker is meant to answer otherwise than Apache Kafka 4.4.0, or cannot help it, each row with its reason. A difference that no
 * row describes fails the test, and so does a row that describes none any more.
 */
import type { Difference } from './differences.ts';

/** All that is given must match. */
export interface Accepted {
  /** Default: any. */
  readonly api?: string | readonly string[];
  /** What is unusual about the request. */
  readonly change?: RegExp;
  /** Where in the reply. */
  readonly path?: RegExp;
  /** What they say, as the table shows it. */
  readonly kafka?: RegExp;
  readonly ours?: RegExp;
  readonly reason: string;
  /** In the long form alone, or where chance puts two changes together. Default: in each run. */
  readonly comesUp?: 'in full' | 'by chance';
}

const NO_REPLY: RegExp = /^"silence"$/;

/** Kafka takes no reply to be one: such requests are left out of the short form, which would wait for each. */
export const unanswered: readonly Accepted[] = [
  {
    api: 'Produce',
    change: /records=null/,
    kafka: NO_REPLY,
    reason: 'Kafka never answers: an exception is lost. We refuse the partition.',
  },
  {
    api: 'JoinGroup',
    change: /protocols=\[one twice\]/,
    kafka: NO_REPLY,
    reason: 'Kafka never answers; we take the first of two protocols of one name.',
  },
  {
    api: 'AlterConfigs',
    change: /resources=\[one twice\]/,
    kafka: NO_REPLY,
    reason: 'Kafka never answers; we refuse both.',
  },
  {
    api: 'AddPartitionsToTxn',
    change: /transactions=\[\]/,
    kafka: NO_REPLY,
    reason: 'Kafka never answers; the answer to nothing is nothing.',
  },
  {
    api: 'WriteTxnMarkers',
    change: /=\[one twice\]/,
    kafka: NO_REPLY,
    reason: 'Kafka waits for as many answers as there are partitions, and counts one twice.',
  },
];

export const accepted: readonly Accepted[] = [
  ...unanswered.map((row) => ({ ...row, comesUp: 'in full' as const })),
  // What is not served yet.
  { api: 'ApiVersions', path: /^apiKeys\[(17|36|51)\]$/, ours: /absent/, reason: 'SASL comes later.' },
  {
    api: 'ApiVersions',
    path: /^apiKeys\[(38|39|40|41)\]$/,
    ours: /absent/,
    reason: 'Delegation tokens come later.',
  },
  {
    api: 'ApiVersions',
    path: /^apiKeys\[(80|81|94)\]$/,
    ours: /absent/,
    reason: 'Changing voters comes with several brokers.',
  },
  {
    api: 'ApiVersions',
    path: /^apiKeys\[(7[6-9]|8[3-7]|9[0-2])\]$/,
    ours: /absent/,
    reason: 'Share groups come later.',
  },
  {
    api: 'DescribeConfigs',
    path: /configs\[(share|streams|errors\.deadletterqueue)\./,
    ours: /absent/,
    reason: 'Share groups and streams groups come later, their configs too.',
    comesUp: 'by chance',
  },
  { api: 'ApiVersions', path: /^apiKeys\[(88|89|93)\]$/, ours: /absent/, reason: 'Streams groups come later.' },
  {
    api: 'ApiVersions',
    path: /Features\[(share|streams|eligible\.leader\.replicas|kraft)\.version\]$/,
    ours: /absent/,
    reason: 'Features of what is not served are not announced.',
  },
  {
    api: 'ApiVersions',
    path: /^supportedFeatures\[metadata\.version\]\.minVersion$/,
    reason: 'Older record formats than 3.9 are not written.',
  },
  // Kafka falls over its own feet.
  {
    api: ['Metadata', 'DescribeTopicPartitions', 'Fetch', 'ListOffsets', 'OffsetFetch', 'WriteTxnMarkers'],
    kafka: /^"UNKNOWN_SERVER_ERROR"$/,
    reason: 'Kafka answers UNKNOWN_SERVER_ERROR to what it did not check; we name the fault, or find none.',
  },
  {
    api: 'ListOffsets',
    change: /isolationLevel=\S+ .*partitions=\[\]|partitions=\[\] .*isolationLevel=/,
    path: /^topics\[[^\]]*\]$/,
    ours: /absent/,
    reason: 'The same of an isolation level that there is not, in a request without partitions.',
    comesUp: 'by chance',
  },
  {
    api: 'Produce',
    change: /records=magic/,
    path: /errorCode$/,
    kafka: /^2$/,
    reason: 'A batch of no known format makes Kafka refuse all of the request, before it looks for topics.',
    comesUp: 'by chance',
  },
  // Ours is stricter, or says more.
  {
    api: 'Produce',
    path: /errorMessage$/,
    kafka: /null/,
    ours: /@text/,
    reason: 'We say in words what was wrong with a request or a batch; Kafka only of single records.',
  },
  {
    api: ['DescribeConfigs', 'OffsetFetch', 'DescribeGroups', 'ConsumerGroupDescribe'],
    path: /#\d\]$/,
    ours: /absent/,
    reason: 'What is asked for twice is answered once: the question is short, and the answer may be long.',
  },
  {
    api: 'OffsetDelete',
    change: /one twice/,
    path: /#1\]$/,
    reason: 'A partition that is named twice is answered once.',
  },
  {
    api: 'CreateTopics',
    change: /configs=\[(one twice|\{"name":"retention.ms","value":"1"\})/,
    reason: 'A config that is given twice is refused; Kafka takes the last one in silence.',
  },
  {
    api: 'CreateTopics',
    change: /colliding in one request/,
    reason: 'Kafka compares the names of one request with those that there are, not with each other.',
  },
  {
    api: 'CreateTopics',
    path: /configs\[min\.insync\.replicas\]/,
    kafka: /3/,
    ours: /5/,
    reason: 'eligible.leader.replicas.version makes Kafka store a default of the cluster.',
  },
  {
    api: 'Metadata',
    change: /name='@fresh'|a missing topic is made/,
    reason: 'A topic that is made for a request is in its answer; Kafka makes it afterwards.',
  },
  {
    api: 'DescribeConfigs',
    path: /min\.insync\.replicas\]/,
    reason: 'eligible.leader.replicas.version makes Kafka store a default of the cluster.',
  },
];

/** The row that describes a difference. */
export function rowFor({ api, change, path, kafka, ours }: Difference): Accepted | undefined {
  return accepted.find(
    (row) =>
      (typeof row.api === 'string' ? row.api === api : (row.api?.includes(api) ?? true)) &&
      (row.change?.test(change) ?? true) &&
      (row.path?.test(path) ?? true) &&
      (row.kafka?.test(kafka) ?? true) &&
      (row.ours?.test(ours) ?? true),
  );
}
