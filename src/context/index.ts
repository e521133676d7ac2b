/**
 * # context: the container, the settings, the logs
 *
 * Singleton beans with constructor injection by type, made from decorated classes and `@Bean` methods; settings by Spring Boot's rules
 * (yaml, profiles, environment, command line, placeholders), each knowing the file and line it came from; beans that run, started and
 * stopped by phase; pino loggers with levels from the settings. Decorators write metadata and nothing else; planning and making are
 * later phases with plain functions. What cannot start says what is wrong and what to do (`StartupFailure`).
 *
 * May import: core. Packages: inversify, reflect-metadata, yaml, pino, node:fs, node:path.
 */
export * from './application-context.ts';
export * from './bean-decorators.ts';
export { type BeanDefinition, type Dependency, dependsOn } from './bean-definition.ts';
export { BeanFailure } from './bean-failure.ts';
export * from './component-decorators.ts';
export { registeredComponents } from './component-registry.ts';
export * from './config-data.ts';
export { toBoolean, toBytes, toDurationMs, toList } from './conversion.ts';
export { Environment } from './environment.ts';
export * from './events.ts';
export { explainFailure, type KeyOrigins } from './failure-analysis.ts';
export * from './injection-decorators.ts';
export {
  EARLIEST_PHASE,
  isSmartLifecycle,
  LATEST_PHASE,
  LISTENER_PHASE,
  type SmartLifecycle,
} from './lifecycle.ts';
export * from './logging.ts';
export type { AnyClass, Class, ClosedClass, Member, Token, ValueType } from './metadata.ts';
export type { LogSink } from './pretty-stream.ts';
export { type PropertiesEntry, parseProperties } from './properties-file.ts';
export { uniformName } from './property-name.ts';
export { type Origin, originText, type Property, recordSource } from './property-source.ts';
export { scanComponents } from './scan.ts';
export { type FailureDetail, formatStartupFailure, StartupFailure } from './startup-failure.ts';
export { findUnknownKeys, type KnownKeys, type UnknownKey, unknownKeyText } from './unknown-keys.ts';
