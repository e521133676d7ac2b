/**
 * ElectLeaders: the preferred leader, the first replica, where it is in sync; or, for a partition without a leader, anybody whose log is
 * there, be it behind ("unclean"). Pure. @see KIP-460
 */
import { Errors, type KafkaErrorRow } from '#protocol';
import type { Decision } from './decision.ts';
import { isOnlineDirectory } from './directory-id.ts';
import type { ElectLeadersEvent, PartitionResult } from './events.ts';
import { directoryOf, type MetadataImage, type PartitionImage, type TopicImage } from './metadata-image.ts';
import type { MetadataRecord } from './metadata-record.ts';
import { election, mayLead, NO_LEADER, partitionChange } from './partition-change.ts';
import { refuse } from './refusal.ts';

/** As on the wire. */
const PREFERRED = 0;
const UNCLEAN = 1;

interface Asked {
  readonly topic: string;
  readonly image: TopicImage | undefined;
  readonly partitions: readonly number[];
}

export function electLeaders(image: MetadataImage, event: ElectLeadersEvent): Decision {
  const { electionType, topics } = event;
  if (electionType !== PREFERRED && electionType !== UNCLEAN) return { records: [], body: undefined };
  const records: MetadataRecord[] = [];
  const body = askedOf(image, topics).map((asked) => {
    const results = asked.partitions.map((partition): PartitionResult => {
      const found = asked.image?.partitions[partition];
      if (found === undefined)
        return {
          partition,
          ...refuse(Errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no partition ${asked.topic}-${partition}.`),
        };
      const elected = elect(image, found, electionType === UNCLEAN);
      if (typeof elected !== 'number') return { partition, ...refuse(elected, elected.message) };
      records.push(partitionChange(asked.image!.topicId, found, election(found, elected)));
      return { partition, error: Errors.NONE, errorMessage: null };
    });
    // Whoever asks for all of them wants to hear of those that changed.
    const told = topics === null ? results.filter(({ error }) => error !== Errors.ELECTION_NOT_NEEDED) : results;
    return { topic: asked.topic, partitions: told };
  });
  return { records, body };
}

function askedOf(image: MetadataImage, topics: ElectLeadersEvent['topics']): Asked[] {
  if (topics !== null) return topics.map((asked) => ({ ...asked, image: image.topics.get(asked.topic) }));
  return [...image.topics.values()].map((topic) => {
    return { topic: topic.name, image: topic, partitions: topic.partitions.map(({ partition }) => partition) };
  });
}

function elect(image: MetadataImage, partition: PartitionImage, isUnclean: boolean): number | KafkaErrorRow {
  const { leader, replicas } = partition;
  if (isUnclean ? leader !== NO_LEADER : leader === replicas[0]) return Errors.ELECTION_NOT_NEEDED;
  const isThere = (brokerId: number) => isOnline(image, partition, brokerId);
  if (!isUnclean) {
    const isElected = isThere(replicas[0]) && mayLead(partition, replicas[0]);
    return isElected ? replicas[0] : Errors.PREFERRED_LEADER_NOT_AVAILABLE;
  }
  const clean = replicas.find((brokerId) => isThere(brokerId) && mayLead(partition, brokerId));
  return clean ?? replicas.find(isThere) ?? Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE;
}

function isOnline(image: MetadataImage, partition: PartitionImage, brokerId: number): boolean {
  const broker = image.brokers.get(brokerId);
  return (
    broker !== undefined && !broker.isFenced && isOnlineDirectory(directoryOf(partition, brokerId), broker.logDirs)
  );
}
