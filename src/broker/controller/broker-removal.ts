/**
 * UnregisterBroker: forgets a broker that is gone for good. It is in no in-sync set any more and leads nothing; that it is named as a
 * replica stays until somebody reassigns the partition. The one that is asked cannot be forgotten: it would serve partitions that it
 * does not lead. Pure. @see KIP-500
 */
import { Errors, type PartitionChangeRecord } from '#protocol';
import type { Decision } from './decision.ts';
import type { UnregisterBrokerEvent } from './events.ts';
import type { MetadataImage, PartitionImage } from './metadata-image.ts';
import type { MetadataRecord } from './metadata-record.ts';
import { NO_LEADER, partitionChange } from './partition-change.ts';
import { refuse } from './refusal.ts';

export function unregisterBroker(image: MetadataImage, { brokerId, servingBrokerId }: UnregisterBrokerEvent): Decision {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) {
    return { records: [], body: refuse(Errors.BROKER_ID_NOT_REGISTERED, `No broker ${brokerId} is registered.`) };
  }
  if (brokerId === servingBrokerId) {
    const text = `Broker ${brokerId} is running. Stop it, and unregister it through another one.`;
    return { records: [], body: refuse(Errors.INVALID_REQUEST, text) };
  }
  const records: MetadataRecord[] = [];
  for (const { topicId, partitions } of image.topics.values()) {
    for (const partition of partitions) {
      const changes = withoutBroker(partition, brokerId);
      if (changes !== undefined) records.push(partitionChange(topicId, partition, changes));
    }
  }
  records.push({ type: 'UnregisterBrokerRecord', body: { brokerId, brokerEpoch: broker.brokerEpoch } });
  return { records, body: { error: Errors.NONE, errorMessage: null } };
}

/** Who is the last one in sync stays so: nobody else has its records. */
function withoutBroker({ isr, leader }: PartitionImage, brokerId: number): Partial<PartitionChangeRecord> | undefined {
  const left = isr.filter((id) => id !== brokerId);
  const isOneLess = left.length > 0 && left.length < isr.length;
  if (!isOneLess && leader !== brokerId) return undefined;
  return { ...(isOneLess ? { isr: left } : {}), ...(leader === brokerId ? { leader: left[0] ?? NO_LEADER } : {}) };
}
