/**
 * The controller: decides on topics, partitions, configs, broker registration and producer-id blocks, as records of the metadata log.
 *
 *     event                  records (metadata.version 33)
 *     bootstrap              AbortTransaction, where a Kafka left one open; FeatureLevel*, at the first start of a cluster
 *     register-broker        RegisterBroker, BrokerRegistrationChange (unfenced), and for every partition that this broker may lead
 *                            PartitionChange naming its leader: the leader epoch rises at every start
 *     stop-broker            BrokerRegistrationChange (in controlled shutdown), PartitionChange (no leader) for what it led,
 *                            BrokerRegistrationChange (fenced)
 *     directories-offline    PartitionChange (no leader) for what was led there, BrokerRegistrationChange (the directories left)
 *     cordon-directories     BrokerRegistrationChange (the directories that are closed to new replicas)
 *     assign-replicas        PartitionChange (directories)
 *     create-topics          per topic: Topic, Config*, Partition*
 *     delete-topics          per topic: RemoveTopic
 *     create-partitions      Partition*
 *     alter-configs          Config*
 *     update-features        FeatureLevel*
 *     alter-client-quotas    ClientQuota*
 *     elect-leaders          PartitionChange*
 *     alter-reassignments    PartitionChange*
 *     unregister-broker      PartitionChange*, UnregisterBroker
 *     allocate-producer-ids  ProducerIds
 *
 * `handle` only reads the image, `replay` only applies to it. Pure.
 */
import type { Instant } from '#core';
import { Errors } from '#protocol';
import type { Machine, MachineOutput, TimerEvent } from '../coordination/machine.ts';
import {
  assignReplicas,
  cordonDirectories,
  directoriesOffline,
  registerBroker,
  stopBroker,
} from './broker-registration.ts';
import { unregisterBroker } from './broker-removal.ts';
import { alterClientQuotas } from './client-quota-change.ts';
import { alterConfigs } from './config-change.ts';
import type { ControllerRules, Decision } from './decision.ts';
import type {
  AllocateProducerIdsEvent,
  ControllerEvent,
  DeleteTopicsEvent,
  ItemResult,
  ProducerIdBlock,
} from './events.ts';
import { updateFeatures } from './feature-update.ts';
import { newClusterRecords } from './features.ts';
import { electLeaders } from './leader-election.ts';
import { MetadataImage } from './metadata-image.ts';
import { METADATA_VERSION, type MetadataRecord } from './metadata-record.ts';
import { createPartitions } from './partition-growth.ts';
import { alterReassignments } from './reassignment.ts';
import { refuse } from './refusal.ts';
import { createTopics } from './topic-creation.ts';

/** How many producer ids a broker gets at once; Kafka's ProducerIdsBlock. */
const PRODUCER_ID_BLOCK_COUNT = 1000;

export class ControllerMachine implements Machine<ControllerEvent, MetadataRecord> {
  /** Everything written so far, committed or not. */
  readonly image = new MetadataImage();
  readonly #rules: ControllerRules;

  constructor(rules: ControllerRules) {
    this.#rules = rules;
  }

  handle(event: ControllerEvent | TimerEvent, _now: Instant): MachineOutput<MetadataRecord> {
    if (event.type === 'timer') return { records: [], replies: [], timers: [] };
    const { records, body } = this.#decide(event);
    return { records, replies: [{ token: event.token, body }], timers: [] };
  }

  replay(record: MetadataRecord, offset: number): void {
    this.image.apply(record, offset);
  }

  #decide(event: ControllerEvent): Decision {
    switch (event.type) {
      case 'bootstrap':
        return bootstrap(this.image);
      case 'register-broker':
        return registerBroker(this.image, event);
      case 'stop-broker':
        return stopBroker(this.image, event);
      case 'directories-offline':
        return directoriesOffline(this.image, event);
      case 'cordon-directories':
        return cordonDirectories(this.image, event);
      case 'assign-replicas':
        return assignReplicas(this.image, event);
      case 'create-topics':
        return createTopics(this.image, this.#rules, event);
      case 'delete-topics':
        return deleteTopics(this.image, event);
      case 'create-partitions':
        return createPartitions(this.image, event);
      case 'alter-configs':
        return alterConfigs(this.image, this.#rules, event);
      case 'update-features':
        return updateFeatures(this.image, event);
      case 'alter-client-quotas':
        return alterClientQuotas(this.image, event);
      case 'elect-leaders':
        return electLeaders(this.image, event);
      case 'alter-reassignments':
        return alterReassignments(this.image, event);
      case 'unregister-broker':
        return unregisterBroker(this.image, event);
      case 'allocate-producer-ids':
        return allocateProducerIds(this.image, event);
    }
  }
}

function bootstrap(image: MetadataImage): Decision {
  const aborted: MetadataRecord[] = image.hasOpenTransaction
    ? [{ type: 'AbortTransactionRecord', body: { reason: 'its writer has stopped' } }]
    : [];
  return { records: image.features.has(METADATA_VERSION) ? aborted : [...aborted, ...newClusterRecords()], body: null };
}

function deleteTopics(image: MetadataImage, event: DeleteTopicsEvent): Decision {
  const records: MetadataRecord[] = [];
  const seen = new Set<string>();
  const body: ItemResult[] = event.topicIds.map((topicId) => {
    const topic = image.topicById(topicId);
    if (topic === undefined || seen.has(topicId)) {
      return { name: topicId, ...refuse(Errors.UNKNOWN_TOPIC_ID, `No topic has the id ${topicId}.`) };
    }
    seen.add(topicId);
    records.push({ type: 'RemoveTopicRecord', body: { topicId } });
    return { name: topic.name, error: Errors.NONE, errorMessage: null };
  });
  return { records, body };
}

function allocateProducerIds(image: MetadataImage, event: AllocateProducerIdsEvent): Decision {
  const firstProducerId = image.nextProducerId;
  const { brokerId, brokerEpoch } = event;
  const nextProducerId = firstProducerId + PRODUCER_ID_BLOCK_COUNT;
  const block: ProducerIdBlock = { firstProducerId, count: PRODUCER_ID_BLOCK_COUNT };
  return { records: [{ type: 'ProducerIdsRecord', body: { brokerId, brokerEpoch, nextProducerId } }], body: block };
}
