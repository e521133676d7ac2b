/**
 * broker: a Kafka broker on one node. It speaks Kafka's protocol to any Kafka client over TCP or inside the process, keeps Kafka's files,
 * and promises that what it acknowledged is there after a crash (`springtide.broker.durability`). Rules live in the pure machines
 * (`partition/`, `group/`, `controller/`); the rest are their shells. May import core, protocol, net, auth, assign, storage.
 */
export type { AclOperation, AclResource, Authorizer } from './authorizer.ts';
export { Broker, type BrokerOptions } from './broker.ts';
export { brokerConfigTable } from './config/config.ts';
export { isKnownBrokerKey, knownBrokerKeys, knownBrokerPrefixes } from './config/known-keys.ts';
export { type LogDirs, logDirsOf } from './config/log-dirs.ts';
export { brokerMetricTable, type MetricFamily, type MetricKind, type MetricSample } from './metrics/index.ts';
export { startBrokerInWorker, type WorkerBroker, type WorkerBrokerOptions } from './worker/worker.ts';
