/**
 * The controller ◇: what the cluster consists of, decided by a machine whose log is `__cluster_metadata-0` in Kafka's own records.
 * Pure; imports core and protocol only. `metadata-log.ts` of the broker runs it.
 */
export * from './client-quota-filter.ts';
export * from './client-quotas-image.ts';
export * from './controller-machine.ts';
export * from './decision.ts';
export * from './directory-id.ts';
export * from './events.ts';
export * from './features.ts';
export * from './image-records.ts';
export * from './metadata-image.ts';
export * from './metadata-record.ts';
export * from './refusal.ts';
export * from './topic-name.ts';
