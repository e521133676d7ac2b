/** What a control record says, as kafka-dump-log prints it behind the record. ◇ */
import { CorruptError } from '#core';
import {
  controlRecordType,
  decode,
  decodeEndTxnMarker,
  KRaftVersionRecord,
  LeaderChangeMessage,
  type MessageSchema,
  type RawRecord,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '#protocol';
import { ExactReader } from './exact-reader.ts';
import { schemaJson } from './schema-json.ts';

const messages = {
  'leader-change': { title: 'LeaderChange:', schema: LeaderChangeMessage },
  'snapshot-header': { title: 'SnapshotHeader', schema: SnapshotHeaderRecord },
  'snapshot-footer': { title: 'SnapshotFooter', schema: SnapshotFooterRecord },
  'kraft-version': { title: 'KRaftVersion', schema: KRaftVersionRecord },
  'kraft-voters': { title: 'KRaftVoters', schema: VotersRecord },
} satisfies Record<string, { title: string; schema: MessageSchema }>;

/** Begins with a space. */
export function controlRecordText({ key, value }: RawRecord): string {
  const type = controlRecordType(key);
  if (type === undefined) return ` controlType: UNKNOWN(${key?.readInt16BE(2)})`;
  if (type === 'abort' || type === 'commit')
    return ` endTxnMarker: ${type.toUpperCase()} coordinatorEpoch: ${decodeEndTxnMarker(value).coordinatorEpoch}`;
  const { title, schema } = messages[type];
  if (value === null) throw new CorruptError(`${title} record without a value`);
  // All of them begin with their version. Kafka reads with version 0 whatever they say, and prints what they say.
  const body = decode(schema, 0, new ExactReader(value)) as { version: number };
  return ` ${title} ${schemaJson(schema, body.version, body)}`;
}
