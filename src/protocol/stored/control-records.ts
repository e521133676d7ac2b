/**
 * Values of control records: the ends of transactions, and what the metadata quorum writes into its log (KIP-595,
 * KIP-630, KIP-853).
 */
import {
  array,
  type Infer,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
  structType,
  uint16,
  uuid,
} from '../schema.ts';

export const EndTxnMarker = message(
  'EndTxnMarker',
  { type: 'data', versions: '0', flexibleVersions: 'none' },
  { coordinatorEpoch: int32() },
);
export type EndTxnMarker = Infer<typeof EndTxnMarker>;

const voter = structType({ voterId: int32(), voterDirectoryId: uuid({ versions: '1+' }) });

export const LeaderChangeMessage = message(
  'LeaderChangeMessage',
  { type: 'data', versions: '0-1', flexibleVersions: '0+' },
  { version: int16(), leaderId: int32(), voters: array(voter), grantingVoters: array(voter) },
);
export type LeaderChangeMessage = Infer<typeof LeaderChangeMessage>;

export const SnapshotHeaderRecord = message(
  'SnapshotHeaderRecord',
  { type: 'data', versions: '0', flexibleVersions: '0+' },
  { version: int16(), lastContainedLogTimestamp: int64() },
);
export type SnapshotHeaderRecord = Infer<typeof SnapshotHeaderRecord>;

export const SnapshotFooterRecord = message(
  'SnapshotFooterRecord',
  { type: 'data', versions: '0', flexibleVersions: '0+' },
  { version: int16() },
);
export type SnapshotFooterRecord = Infer<typeof SnapshotFooterRecord>;

export const KRaftVersionRecord = message(
  'KRaftVersionRecord',
  { type: 'data', versions: '0', flexibleVersions: '0+' },
  { version: int16(), kRaftVersion: int16() },
);
export type KRaftVersionRecord = Infer<typeof KRaftVersionRecord>;

export const VotersRecord = message(
  'VotersRecord',
  { type: 'data', versions: '0', flexibleVersions: '0+' },
  {
    version: int16(),
    voters: array({
      voterId: int32(),
      voterDirectoryId: uuid(),
      endpoints: array({ name: string(), host: string(), port: uint16() }),
      kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    }),
  },
);
export type VotersRecord = Infer<typeof VotersRecord>;

export const ControlRecordTypeSchema = message(
  'ControlRecordTypeSchema',
  { type: 'data', versions: '0', flexibleVersions: 'none' },
  { type: int16() },
);
export type ControlRecordTypeSchema = Infer<typeof ControlRecordTypeSchema>;
