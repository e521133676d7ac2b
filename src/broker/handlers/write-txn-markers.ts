/**
 * WriteTxnMarkers (27): the ends of transactions, told to the partitions by whoever coordinates them. Our own coordinator does without this
 * request; operators send it to end a transaction that hangs (`kafka-transactions.sh abort`). @see KIP-98, KIP-664
 */
import {
  type Draft,
  Errors,
  type KafkaErrorRow,
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponse,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import type { RequestContext } from '../server/request-context.ts';

type Marker = WriteTxnMarkersRequest['markers'][number];
type MarkerResult = NonNullable<Draft<typeof WriteTxnMarkersResponse>['markers']>[number];

export async function writeTxnMarkers(
  broker: BrokerParts,
  context: RequestContext,
  request: WriteTxnMarkersRequest,
): Promise<Draft<typeof WriteTxnMarkersResponse>> {
  const isAllowed =
    context.allows(CLUSTER_RESOURCE_NAME) || context.may('cluster-action', 'cluster', CLUSTER_RESOURCE_NAME);
  const asked = request.markers.filter(({ topics }) =>
    topics.some(({ partitionIndexes }) => partitionIndexes.length > 0),
  );
  const markers = asked.map(async (marker): Promise<MarkerResult> => {
    const topics = [...partitionsOf(marker)].map(async ([name, indexes]) => {
      const partitions = [...indexes].map(async (partitionIndex) => {
        const error = isAllowed
          ? await write(broker, marker, name, partitionIndex)
          : Errors.CLUSTER_AUTHORIZATION_FAILED;
        return { partitionIndex, errorCode: error.code };
      });
      return { name, partitions: await Promise.all(partitions) };
    });
    return { producerId: marker.producerId, topics: await Promise.all(topics) };
  });
  // A producer that stands in it again is answered once.
  const results = (await Promise.all(markers)).map((result) => [result.producerId, result] as const);
  return { markers: [...new Map(results).values()] };
}

/** Each once, by topic. */
function partitionsOf({ topics }: Marker): ReadonlyMap<string, ReadonlySet<number>> {
  const found = new Map<string, Set<number>>();
  for (const { name, partitionIndexes } of topics) {
    if (!found.has(name)) found.set(name, new Set());
    for (const index of partitionIndexes) found.get(name)!.add(index);
  }
  return found;
}

function write(broker: BrokerParts, marker: Marker, topic: string, partition: number): Promise<KafkaErrorRow> {
  const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = marker;
  const type = marker.transactionResult ? 'commit' : 'abort';
  const end = { producerId, producerEpoch, coordinatorEpoch, type, transactionVersion } as const;
  return new Promise((resolve) => broker.markers.write({ topic, partition }, end, resolve));
}
