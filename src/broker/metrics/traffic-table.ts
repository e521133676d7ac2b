/** Metrics of topics and requests: what goes in and out, how often, how long. */
import type { Histogram } from '#core';
import { errorByCode } from '#protocol';
import type { ApiMeter } from '../meters/request-meter.ts';
import type { TopicTraffic } from '../meters/topic-traffic.ts';
import type { Metric, Sample } from './metric.ts';

export const trafficTable: readonly Metric[] = [
  topicCounter('MessagesInPerSec', 'Records that were appended.', (traffic) => traffic.messagesIn),
  topicCounter('BytesInPerSec', 'Bytes of records that were appended.', (traffic) => traffic.bytesIn),
  topicCounter('BytesOutPerSec', 'Bytes of records that fetches were answered with.', (traffic) => traffic.bytesOut),
  topicCounter(
    'BytesRejectedPerSec',
    'Bytes of records that were refused as too large.',
    (traffic) => traffic.bytesRejected,
  ),
  topicCounter(
    'TotalProduceRequestsPerSec',
    'Appends to partitions, successful or not.',
    (traffic) => traffic.produced,
  ),
  topicCounter('TotalFetchRequestsPerSec', 'Partitions in answers to fetches.', (traffic) => traffic.fetched),
  topicCounter(
    'FailedProduceRequestsPerSec',
    'Appends to partitions that were refused.',
    (traffic) => traffic.failedProduces,
  ),
  topicCounter(
    'FailedFetchRequestsPerSec',
    'Partitions in answers to fetches that have an error.',
    (traffic) => traffic.failedFetches,
  ),
  {
    mbean: 'kafka.network:type=RequestMetrics,name=RequestsPerSec',
    kind: 'counter',
    labels: ['request', 'version'],
    doc: 'Requests that were answered.',
    read: ({ meter }) =>
      byRequest(meter.all(), ({ versions }, request) =>
        versions.flatMap((count, version): Sample[] => (count === 0 ? [] : [[[request, String(version)], count]])),
      ),
  },
  {
    mbean: 'kafka.network:type=RequestMetrics,name=ErrorsPerSec',
    kind: 'counter',
    labels: ['request', 'error'],
    doc: 'Error codes in answers, NONE among them; an answer has one for each thing that was asked for.',
    read: ({ meter }) =>
      byRequest(meter.all(), (meter, request) =>
        [...meter.errorCounts()].map(([code, count]): Sample => [[request, errorByCode(code).name], count]),
      ),
  },
  requestSummary('TotalTimeMs', 'From the request to its answer in the socket.', (meter) => meter.totalMs),
  requestSummary(
    'RequestQueueTimeMs',
    'Before the request began: others of its connection came first, or back-pressure held it.',
    (meter) => meter.queueMs,
  ),
  requestSummary('LocalTimeMs', 'In the handler of the request.', (meter) => meter.localMs),
  requestSummary('RemoteTimeMs', 'Waiting: for the disk, for records, for other members.', (meter) => meter.remoteMs),
  requestSummary(
    'ResponseQueueTimeMs',
    'Answered and encoded, and waiting for the answers before it.',
    (meter) => meter.responseMs,
  ),
  requestSummary('ResponseSendTimeMs', 'Handing the answer to the socket.', (meter) => meter.sendMs),
  requestSummary('ThrottleTimeMs', 'How long the client was told to be silent.', (meter) => meter.throttleMs),
  requestSummary('RequestBytes', 'Size of the request.', (meter) => meter.bytes),
];

/** A counter of each topic, and without label of all, also of those that are gone. */
function topicCounter(name: string, doc: string, read: (traffic: TopicTraffic) => number): Metric {
  return {
    mbean: `kafka.server:type=BrokerTopicMetrics,name=${name}`,
    kind: 'counter',
    labels: ['topic'],
    doc: `${doc} Without a topic: of all there ever were.`,
    *read({ traffic }) {
      yield [[], read(traffic.all)];
      for (const [topic, counts] of [...traffic.topics()]) yield [[topic], read(counts)];
    },
  };
}

function requestSummary(name: string, doc: string, read: (meter: ApiMeter) => Histogram): Metric {
  return {
    mbean: `kafka.network:type=RequestMetrics,name=${name}`,
    kind: 'summary',
    labels: ['request'],
    doc,
    read: ({ meter }) => byRequest(meter.all(), (meter, request) => [[[request], read(meter)]]),
  };
}

/** Kafka tells fetches of consumers twice: with those of followers, and by themselves. */
function* byRequest(
  meters: readonly ApiMeter[],
  samples: (meter: ApiMeter, request: string) => Iterable<Sample>,
): Iterable<Sample> {
  for (const meter of meters) {
    yield* samples(meter, meter.api.name);
    if (meter.api.name === 'Fetch') yield* samples(meter, 'FetchConsumer');
  }
}
