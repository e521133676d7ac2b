/** What a snapshot says is what the log said: at every record of a log with all types of Kafka's, transactions among them. */
import { describe, expect, it } from '@jest/globals';
import {
  type MetadataBodies,
  MetadataImage,
  type MetadataRecord,
  type MetadataRecordType,
  recordsOf,
} from '../../../src/broker/controller/index.ts';

type Made = { [T in MetadataRecordType]: (body: MetadataBodies[T]) => MetadataRecord };

const make = new Proxy({} as Made, {
  get: (_, type) => (body: object) => ({ type, body }) as MetadataRecord,
});

const T1 = 'AAAAAAAAAAAAAAAAAAAABQ';
const T2 = 'AAAAAAAAAAAAAAAAAAAABg';
const DIR = 'AAAAAAAAAAAAAAAAAAAABw';

function partition(topicId: string, partitionId: number): MetadataRecord {
  return make.PartitionRecord({
    partitionId,
    topicId,
    replicas: [1, 2],
    isr: [1],
    removingReplicas: [2],
    addingReplicas: [3],
    leader: 1,
    leaderRecoveryState: 1,
    leaderEpoch: 3,
    partitionEpoch: 4,
    directories: [DIR, DIR],
    eligibleLeaderReplicas: [2],
    lastKnownElr: [1],
  });
}

function change(changes: Partial<MetadataBodies['PartitionChangeRecord']>): MetadataRecord {
  return make.PartitionChangeRecord({
    partitionId: 0,
    topicId: T1,
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
  });
}

const endPoints = [{ name: 'SSL', host: 'h', port: 1, securityProtocol: 1 }];
const registered = {
  brokerEpoch: 7,
  isMigratingZkBroker: false,
  incarnationId: T2,
  endPoints,
  features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 33 }],
  rack: 'r',
  fenced: true,
  inControlledShutdown: false,
  logDirs: [DIR],
  cordonedLogDirs: [DIR],
};
const changed = { brokerEpoch: 7, fenced: 0, inControlledShutdown: 0, logDirs: [], cordonedLogDirs: null };
const config = { resourceType: 4, resourceName: '', name: 'log.retention.ms' };
const quota = { entity: [{ entityType: 'user', entityName: null }], key: 'producer_byte_rate', value: 1.5 };
const entry = { resourceType: 2, resourceName: '*', patternType: 3, principal: 'User:a', host: '*' };
const secret = { salt: Buffer.from('s'), storedKey: Buffer.from('k'), serverKey: Buffer.from('v'), iterations: 4096 };
const controller = { incarnationId: T1, zkMigrationReady: false, endPoints, features: [] };
const times = { issueTimestamp: 1, maxTimestamp: 2, expirationTimestamp: 3 };

const log: readonly MetadataRecord[] = [
  make.BeginTransactionRecord({ name: 'Bootstrap records' }),
  make.FeatureLevelRecord({ name: 'metadata.version', featureLevel: 33 }),
  make.FeatureLevelRecord({ name: 'share.version', featureLevel: 1 }),
  make.EndTransactionRecord({}),
  make.NoOpRecord({}),
  make.ZkMigrationStateRecord({ zkMigrationState: 1 }),
  make.RegisterControllerRecord({ controllerId: 1, ...controller }),
  make.RegisterControllerRecord({ controllerId: 2, ...controller }),
  make.UnregisterControllerRecord({ controllerId: 2 }),
  make.RegisterBrokerRecord({ brokerId: 1, ...registered }),
  make.RegisterBrokerRecord({ brokerId: 2, ...registered, rack: null, cordonedLogDirs: null }),
  make.BrokerRegistrationChangeRecord({ brokerId: 1, ...changed, fenced: -1 }),
  make.BrokerRegistrationChangeRecord({ brokerId: 1, ...changed, inControlledShutdown: 1, logDirs: [T1] }),
  make.BrokerRegistrationChangeRecord({ brokerId: 1, ...changed, cordonedLogDirs: [] }),
  make.UnfenceBrokerRecord({ id: 2, epoch: 7 }),
  make.FenceBrokerRecord({ id: 1, epoch: 7 }),
  make.UnregisterBrokerRecord({ brokerId: 2, brokerEpoch: 7 }),
  make.TopicRecord({ name: 'a', topicId: T1 }),
  partition(T1, 0),
  partition(T1, 1),
  make.ConfigRecord({ resourceType: 2, resourceName: 'a', name: 'retention.ms', value: '1' }),
  change({ leader: 1, isr: [1, 2], leaderRecoveryState: 0, eligibleLeaderReplicas: [] }),
  change({ replicas: [1], directories: [DIR], removingReplicas: [], addingReplicas: [], isr: [1] }),
  make.TopicRecord({ name: 'b', topicId: T2 }),
  partition(T2, 0),
  make.ConfigRecord({ resourceType: 2, resourceName: 'b', name: 'retention.ms', value: '2' }),
  make.ClearElrRecord({ topicName: 'a' }),
  make.RemoveTopicRecord({ topicId: T2 }),
  make.ClearElrRecord({ topicName: '' }),
  make.ConfigRecord({ ...config, value: '5' }),
  make.ConfigRecord({ ...config, resourceName: '1', value: '6' }),
  make.ConfigRecord({ ...config, value: null }),
  make.ClientQuotaRecord({ ...quota, remove: false }),
  make.ClientQuotaRecord({ ...quota, key: 'request_percentage', remove: false }),
  make.ClientQuotaRecord({ ...quota, remove: true }),
  make.ProducerIdsRecord({ brokerId: 1, brokerEpoch: 7, nextProducerId: 3000 }),
  make.AccessControlEntryRecord({ id: T1, ...entry, operation: 3, permissionType: 3 }),
  make.AccessControlEntryRecord({ id: T2, ...entry, operation: 4, permissionType: 2 }),
  make.RemoveAccessControlEntryRecord({ id: T1 }),
  make.UserScramCredentialRecord({ name: 'a', mechanism: 1, ...secret }),
  make.UserScramCredentialRecord({ name: 'a', mechanism: 2, ...secret }),
  make.RemoveUserScramCredentialRecord({ name: 'a', mechanism: 1 }),
  make.DelegationTokenRecord({ owner: 'o', requester: 'r', renewers: [], tokenId: 'x', ...times }),
  make.DelegationTokenRecord({ owner: 'o', requester: 'r', renewers: [], tokenId: 'y', ...times }),
  make.RemoveDelegationTokenRecord({ tokenId: 'x' }),
  make.BeginTransactionRecord({ name: null }),
  make.TopicRecord({ name: 'never', topicId: T2 }),
  make.FeatureLevelRecord({ name: 'share.version', featureLevel: 2 }),
  make.AbortTransactionRecord({ reason: 'its writer has stopped' }),
  make.FeatureLevelRecord({ name: 'share.version', featureLevel: 0 }),
];

function imageOf(records: readonly MetadataRecord[]): MetadataImage {
  const image = new MetadataImage();
  for (const [offset, record] of records.entries()) image.apply(record, offset);
  return image;
}

const contentOf = (image: MetadataImage) => [...recordsOf(image)];

describe('the records of an image', () => {
  it('tell it at every record of the log, and the rest of the log follows on them', () => {
    const whole = contentOf(imageOf(log));
    let told = 0;
    for (let count = 0; count <= log.length; count++) {
      const image = imageOf(log.slice(0, count));
      if (image.hasOpenTransaction) continue;
      const snapshot = contentOf(image);
      expect(snapshot.length).toBeLessThanOrEqual(count);
      const again = imageOf(snapshot);
      expect(contentOf(again)).toEqual(snapshot);
      for (const [index, record] of log.slice(count).entries()) again.apply(record, log.length + index);
      expect(contentOf(again)).toEqual(expect.arrayContaining(whole));
      expect(contentOf(again)).toHaveLength(whole.length);
      told++;
    }
    expect(told).toBeGreaterThan(40);
  });

  it('are all that is left: what was removed, aborted or set to nothing is not among them', () => {
    expect(contentOf(imageOf(log)).map(({ type }) => type)).toEqual([
      'FeatureLevelRecord',
      'RegisterBrokerRecord',
      'TopicRecord',
      'PartitionRecord',
      'PartitionRecord',
      'ConfigRecord',
      'ConfigRecord',
      'ClientQuotaRecord',
      'ProducerIdsRecord',
      'ZkMigrationStateRecord',
      'RegisterControllerRecord',
      'AccessControlEntryRecord',
      'UserScramCredentialRecord',
      'DelegationTokenRecord',
    ]);
  });

  it('counts a metadata transaction when it ends, all at once', () => {
    const image = new MetadataImage();
    image.apply(log[0], 0);
    image.apply(log[1], 1);
    expect([...image.features]).toEqual([]);
    image.apply(log[3], 2);
    expect([...image.features]).toEqual([['metadata.version', 33]]);
  });
});
