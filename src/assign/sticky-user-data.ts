/**
 * What the sticky assignors put into a subscription's user data (big endian, never flexible):
 *
 *     sticky v1             int32 topics × ( int16 length, topic, int32 partitions × int32 ), int32 generation
 *     sticky v0             the same without the generation
 *     cooperative-sticky    int32 generation
 *
 * Data that cannot be read counts as no claim: a broken member must not kill the leader.
 */
import { ByteReader, ByteWriter, KafkaError } from '#core';
import type { TopicPartitionId } from './assignor.ts';
import type { MemberClaim } from './claims.ts';

/** Encodes the sticky assignor's previous assignment. Partitions are grouped by topic in order of first appearance. */
export function encodeStickyUserData(partitions: readonly TopicPartitionId[], generationId: number): Buffer {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const known = byTopic.get(topic);
    if (known === undefined) byTopic.set(topic, [partition]);
    else known.push(partition);
  }
  const writer = new ByteWriter(64);
  writer.int32(byTopic.size);
  for (const [topic, numbers] of byTopic) {
    const name = Buffer.from(topic, 'utf8');
    writer.int16(name.length);
    writer.bytes(name);
    writer.int32(numbers.length);
    for (const number of numbers) writer.int32(number);
  }
  writer.int32(generationId);
  return writer.finish();
}

/** Decodes both versions. `generationId` is undefined in v0, and -1 with no partitions when the bytes make no sense. */
export function decodeStickyUserData(userData: Buffer): MemberClaim {
  return (
    attempt(() => {
      const reader = new ByteReader(userData);
      const partitions = readPartitions(reader);
      return { partitions, generationId: reader.remaining >= 4 ? reader.int32() : undefined };
    }) ?? { partitions: [], generationId: -1 }
  );
}

/** Encodes cooperative-sticky's generation. */
export function encodeGeneration(generationId: number): Buffer {
  const writer = new ByteWriter(4);
  writer.int32(generationId);
  return writer.finish();
}

/** Decodes cooperative-sticky's generation; -1 when the bytes make no sense. */
export function decodeGeneration(userData: Buffer): number {
  return attempt(() => new ByteReader(userData).int32()) ?? -1;
}

function readPartitions(reader: ByteReader): TopicPartitionId[] {
  const partitions: TopicPartitionId[] = [];
  const topicCount = reader.int32();
  for (let topicIndex = 0; topicIndex < topicCount; topicIndex++) {
    const topic = reader.utf8(reader.int16());
    const partitionCount = reader.int32();
    for (let count = 0; count < partitionCount; count++) partitions.push({ topic, partition: reader.int32() });
  }
  return partitions;
}

/** The result of `read`, or undefined when the bytes end too early or lengths are impossible. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KafkaError) return undefined;
    throw error;
  }
}
