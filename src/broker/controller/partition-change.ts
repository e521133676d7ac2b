/** Changes of one partition as records, and who may lead it. Pure. @see KIP-966 */
import type { Uuid } from '#core';
import type { PartitionChangeRecord } from '#protocol';
import type { PartitionImage } from './metadata-image.ts';
import type { MetadataRecord } from './metadata-record.ts';

export const NO_LEADER = -1;

/** What `changes` does not name stays as it is. */
export function partitionChange(
  topicId: Uuid,
  { partition }: PartitionImage,
  changes: Partial<PartitionChangeRecord>,
): MetadataRecord {
  return {
    type: 'PartitionChangeRecord',
    body: {
      partitionId: partition,
      topicId,
      isr: null,
      leader: -2,
      replicas: null,
      removingReplicas: null,
      addingReplicas: null,
      leaderRecoveryState: -1,
      directories: null,
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
      ...changes,
    },
  };
}

export function mayBeElected(partition: PartitionImage, brokerId: number): boolean {
  return partition.leader === NO_LEADER && mayLead(partition, brokerId);
}

/** Who is in sync; where nobody is any more, whoever left it cleanly; else whoever led last, alone. @see KIP-966 */
export function mayLead({ isr, eligibleLeaderReplicas, lastKnownElr }: PartitionImage, brokerId: number): boolean {
  if (isr.length > 0) return isr.includes(brokerId);
  if (eligibleLeaderReplicas.length > 0) return eligibleLeaderReplicas.includes(brokerId);
  return lastKnownElr.length === 1 && lastKnownElr[0] === brokerId;
}

export function election(
  { isr, eligibleLeaderReplicas, lastKnownElr }: PartitionImage,
  brokerId: number,
): Partial<PartitionChangeRecord> {
  return {
    isr: isr.includes(brokerId) ? null : [brokerId],
    leader: brokerId,
    eligibleLeaderReplicas: eligibleLeaderReplicas.length === 0 ? null : [],
    lastKnownElr: lastKnownElr.length === 0 ? null : [],
  };
}
