/**
 * What `--print-data-log` shows of a record: its key and value as text. One decoder per kind of log; the framing is that of
 * `#protocol`'s stored records. A record that a decoder of an internal topic cannot read is told in the place of its key, with the
 * words of Apache Kafka and our reason. ◇
 */
import { CorruptError, errorText, KafkaError } from '#core';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decode,
  type MessageSchema,
  type RawRecord,
  storedSchemas,
} from '#protocol';
import { ExactReader } from './exact-reader.ts';
import { javaUtf8 } from './java-text.ts';
import { type FieldText, schemaJson } from './schema-json.ts';

export interface RecordText {
  readonly key: string | undefined;
  readonly value: string | undefined;
}

/** Throws for a record that ends the dump. `offset` is the one to name in texts, exactly. */
export type RecordDecoder = (record: Pick<RawRecord, 'key' | 'value'>, offset: bigint) => RecordText;

const plainDecoders: Readonly<Record<string, (bytes: Buffer) => string>> = {
  StringDecoder: javaUtf8,
  IntegerDecoder: (bytes) => String(exactly(bytes, 4, 'an integer').readInt32BE(0)),
  LongDecoder: (bytes) => String(exactly(bytes, 8, 'a long').readBigInt64BE(0)),
};

const PLAIN_PACKAGE = 'org.apache.kafka.tools.api.';

/** @param keyClass and @param valueClass are names of Kafka's decoders, with or without their package. */
export function plainDecoder(keyClass: string, valueClass: string): RecordDecoder {
  const [keyText, valueText] = [plainText(keyClass), plainText(valueClass)];
  return ({ key, value }) => ({
    key: key === null ? undefined : keyText(key),
    value: value === null ? undefined : valueText(value),
  });
}

function plainText(className: string): (bytes: Buffer) => string {
  const name = className.startsWith(PLAIN_PACKAGE) ? className.slice(PLAIN_PACKAGE.length) : className;
  const decoder = Object.hasOwn(plainDecoders, name) ? plainDecoders[name] : undefined;
  if (decoder !== undefined) return decoder;
  const known = Object.keys(plainDecoders).join(', ');
  throw new KafkaError('INVALID_ARGUMENT', `there is no decoder ${className}; there are ${known}`);
}

function exactly(bytes: Buffer, length: number, what: string): Buffer {
  if (bytes.length === length) return bytes;
  throw new CorruptError(`${bytes.length} bytes are not ${what}`);
}

/** Record types of __consumer_offsets, in Kafka's numbering. */
const GROUP_TYPES: Readonly<Record<number, string>> = {
  0: 'LegacyOffsetCommit',
  1: 'OffsetCommit',
  2: 'GroupMetadata',
  3: 'ConsumerGroupMetadata',
  4: 'ConsumerGroupPartitionMetadata',
  5: 'ConsumerGroupMemberMetadata',
  6: 'ConsumerGroupTargetAssignmentMetadata',
  7: 'ConsumerGroupTargetAssignmentMember',
  8: 'ConsumerGroupCurrentMemberAssignment',
  10: 'ShareGroupMemberMetadata',
  11: 'ShareGroupMetadata',
  12: 'ShareGroupTargetAssignmentMetadata',
  13: 'ShareGroupTargetAssignmentMember',
  14: 'ShareGroupCurrentMemberAssignment',
  15: 'ShareGroupStatePartitionMetadata',
  16: 'ConsumerGroupRegularExpression',
  17: 'StreamsGroupMetadata',
  19: 'StreamsGroupMemberMetadata',
  20: 'StreamsGroupTargetAssignmentMetadata',
  21: 'StreamsGroupTargetAssignmentMember',
  22: 'StreamsGroupCurrentMemberAssignment',
  23: 'StreamsGroupTopology',
};

export const offsetsDecoder: RecordDecoder = coordinatorDecoder(GROUP_TYPES);
export const transactionLogDecoder: RecordDecoder = coordinatorDecoder({ 0: 'TransactionLog' });
export const shareStateDecoder: RecordDecoder = coordinatorDecoder({ 0: 'ShareSnapshot', 1: 'ShareUpdate' });

/** Whether the records of __share_group_state are declared. */
export function canDecodeShareState(): boolean {
  return storedSchemas.has('ShareSnapshotKey');
}

function coordinatorDecoder(types: Readonly<Record<number, string>>): RecordDecoder {
  return ({ key, value }, offset) => {
    if (key === null) {
      throw new CorruptError(
        `Failed to decode message at offset ${offset} using the specified decoder (message had a missing key)`,
      );
    }
    try {
      return coordinatorText(types, offset, key, value);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return { key: `Error at offset ${offset}, skipping. ${errorText(error)}`, value: undefined };
    }
  };
}

function coordinatorText(
  types: Readonly<Record<number, string>>,
  offset: bigint,
  key: Buffer,
  value: Buffer | null,
): RecordText {
  const keyReader = new ExactReader(key);
  const type = keyReader.int16();
  const name = types[type];
  if (name === undefined)
    return { key: `Unknown record type ${type} at offset ${offset}, skipping.`, value: undefined };
  const keySchema = declared(`${name}Key`);
  const keyJson = schemaJson(keySchema, 0, decode(keySchema, 0, keyReader));
  const keyText = `{"type":"${type}","data":${keyJson}}`;
  return { key: keyText, value: value === null ? '<DELETE>' : coordinatorValue(declared(`${name}Value`), value) };
}

function coordinatorValue(schema: MessageSchema, bytes: Buffer): string {
  const reader = new ExactReader(bytes);
  const version = reader.int16();
  const value = decode(schema, version, reader) as Record<string, unknown>;
  const isConsumerGroup = schema.name === 'GroupMetadataValue' && value.protocolType === 'consumer';
  return `{"version":"${version}","data":${schemaJson(schema, version, value, isConsumerGroup ? embedded : undefined)}}`;
}

/** What the members of a classic group told each other, where it can be read. */
const embedded: FieldText = (name, value) => {
  if (name === 'subscription') return embeddedJson(ConsumerProtocolSubscription, value as Buffer);
  return name === 'assignment' ? embeddedJson(ConsumerProtocolAssignment, value as Buffer) : undefined;
};

/** Undefined when the bytes are something else, such as none at all: they stay bytes then, as in Kafka's tool. */
function embeddedJson(schema: MessageSchema, bytes: Buffer): string | undefined {
  try {
    const reader = new ExactReader(bytes);
    const version = reader.int16();
    return schemaJson(schema, version, decode(schema, version, reader));
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return undefined;
  }
}

function declared(name: string): MessageSchema {
  const schema = storedSchemas.get(name);
  if (schema === undefined) throw new KafkaError('UNSUPPORTED_VERSION', `Records of ${name} cannot be read here yet.`);
  return schema;
}

const metadataSchemas = new Map<number, MessageSchema>();
for (const schema of storedSchemas.values()) {
  if (schema.type === 'metadata' && schema.apiKey !== undefined) metadataSchemas.set(schema.apiKey, schema);
}

/** Records of __cluster_metadata, which have no keys. */
export const clusterMetadataDecoder: RecordDecoder = ({ value }, offset) => {
  try {
    return { key: undefined, value: metadataText(value ?? Buffer.alloc(0)) };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { key: undefined, value: `Error at ${offset}, skipping. ${errorText(error)}` };
  }
};

function metadataText(bytes: Buffer): string {
  const reader = new ExactReader(bytes);
  const frameVersion = reader.unsignedVarint();
  if (frameVersion !== 1) throw new CorruptError(`The frame of a metadata record has version ${frameVersion}, not 1`);
  const [type, version] = [reader.unsignedVarint(), reader.unsignedVarint()];
  const schema = metadataSchemas.get(type);
  if (schema === undefined) throw new CorruptError(`Failed to deserialize record with type ${type}`);
  const body = decode(schema, version, reader);
  if (reader.remaining > 0) throw new CorruptError(`Found ${reader.remaining} byte(s) of garbage after ${schema.name}`);
  return `{"type":"${upperSnake(schema.name)}","version":${version},"data":${schemaJson(schema, version, body)}}`;
}

/** `NoOpRecord` → `NO_OP_RECORD`. */
function upperSnake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}
