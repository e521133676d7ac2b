/** Brokers and controllers in __cluster_metadata. */
import { array, bool, type Infer, int8, int16, int32, int64, message, string, uint16, uuid } from '../schema.ts';

export const RegisterBrokerRecord = message(
  'RegisterBrokerRecord',
  { apiKey: 0, type: 'metadata', versions: '0-4', flexibleVersions: '0+' },
  {
    brokerId: int32(),
    isMigratingZkBroker: bool({ versions: '2+' }),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    rack: string({ nullable: '0+' }),
    fenced: bool({ default: true }),
    inControlledShutdown: bool({ versions: '1+' }),
    logDirs: array(uuid(), { versions: '3+', tag: 0 }),
    cordonedLogDirs: array(uuid(), { versions: '4+', nullable: '4+', default: null, tag: 1 }),
  },
);
export type RegisterBrokerRecord = Infer<typeof RegisterBrokerRecord>;

export const UnregisterBrokerRecord = message(
  'UnregisterBrokerRecord',
  { apiKey: 1, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { brokerId: int32(), brokerEpoch: int64() },
);
export type UnregisterBrokerRecord = Infer<typeof UnregisterBrokerRecord>;

export const FenceBrokerRecord = message(
  'FenceBrokerRecord',
  { apiKey: 7, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { id: int32(), epoch: int64() },
);
export type FenceBrokerRecord = Infer<typeof FenceBrokerRecord>;

export const UnfenceBrokerRecord = message(
  'UnfenceBrokerRecord',
  { apiKey: 8, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { id: int32(), epoch: int64() },
);
export type UnfenceBrokerRecord = Infer<typeof UnfenceBrokerRecord>;

export const BrokerRegistrationChangeRecord = message(
  'BrokerRegistrationChangeRecord',
  { apiKey: 17, type: 'metadata', versions: '0-3', flexibleVersions: '0+' },
  {
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: int8({ tag: 0 }),
    inControlledShutdown: int8({ versions: '1+', tag: 1 }),
    logDirs: array(uuid(), { versions: '2+', tag: 2 }),
    cordonedLogDirs: array(uuid(), { versions: '3+', nullable: '3+', default: null, tag: 3 }),
  },
);
export type BrokerRegistrationChangeRecord = Infer<typeof BrokerRegistrationChangeRecord>;

export const RegisterControllerRecord = message(
  'RegisterControllerRecord',
  { apiKey: 27, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    endPoints: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  },
);
export type RegisterControllerRecord = Infer<typeof RegisterControllerRecord>;

export const UnregisterControllerRecord = message(
  'UnregisterControllerRecord',
  { apiKey: 29, type: 'metadata', versions: '0', flexibleVersions: '0+' },
  { controllerId: int32() },
);
export type UnregisterControllerRecord = Infer<typeof UnregisterControllerRecord>;
