import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { ByteReader, ByteWriter, KafkaError } from '#core';
import {
  ApiVersionsResponse,
  decode,
  decodeBuffer,
  encode,
  encodeToBuffer,
  FetchRequest,
  FetchResponse,
  HeartbeatRequest,
  ListOffsetsRequest,
  MetadataRequest,
  ProduceRequest,
  SyncGroupRequest,
} from '#protocol';

describe('Versions', () => {
  test('A version that Kafka 4.4 does not accept is refused by name', () => {
    expect(() => encodeToBuffer(FetchRequest, 3, {})).toThrow('FetchRequest has no version 3, only 4 to 18');
    expect(() => decodeBuffer(FetchRequest, 19, Buffer.alloc(100))).toThrow(KafkaError);
    expect(() => encodeToBuffer(FetchRequest, 4.5, {})).toThrow(KafkaError);
  });

  test('A field that the version lacks may be set only when it is ignorable', () => {
    expect(() => encodeToBuffer(HeartbeatRequest, 2, { groupInstanceId: 'static-1' })).toThrow(
      'HeartbeatRequest.groupInstanceId cannot be set at version 2, which does not have it',
    );
    expect(decodeBuffer(FetchRequest, 4, encodeToBuffer(FetchRequest, 4, { rackId: 'eu-1' })).rackId).toBe('');
  });

  test('A field that the version lacks decodes to its default', () => {
    const decoded = decodeBuffer(
      ListOffsetsRequest,
      1,
      encodeToBuffer(ListOffsetsRequest, 1, { topics: [{ partitions: [{}] }] }),
    );
    expect(decoded.topics[0].partitions[0].currentLeaderEpoch).toBe(-1);
    expect(decoded.isolationLevel).toBe(0);
  });
});

describe('Types', () => {
  test('They are inferred: values of the wrong type or name do not compile', () => {
    const request: FetchRequest = decodeBuffer(FetchRequest, 4, encodeToBuffer(FetchRequest, 4, {}));
    const clusterId: string | null = request.clusterId;
    const partitions: number[] = request.forgottenTopicsData.flatMap((topic) => topic.partitions);
    expect([clusterId, partitions]).toEqual([null, []]);
    // @ts-expect-error no such field
    expect(request.maxWait).toBeUndefined();
    // @ts-expect-error a number, not a text
    expect(() => encodeToBuffer(FetchRequest, 4, { maxWaitMs: '5' })).toThrow(KafkaError);
    // @ts-expect-error not nullable
    expect(() => encodeToBuffer(FetchRequest, 4, { topics: null })).toThrow(KafkaError);
  });
});

describe('Values', () => {
  test('Null is refused where the version does not allow it', () => {
    expect(() => encodeToBuffer(MetadataRequest, 0, { topics: null })).toThrow(
      'MetadataRequest.topics must be a value, not null',
    );
    expect(encodeToBuffer(MetadataRequest, 1, { topics: null }).toString('hex')).toBe('ffffffff');
  });

  test('Integers that do not fit, and what is no integer, are refused with the name of their field', () => {
    expect(() => encodeToBuffer(HeartbeatRequest, 0, { generationId: 2 ** 31 })).toThrow(
      'HeartbeatRequest.generationId must be int32, not 2147483648',
    );
    expect(() => encodeToBuffer(HeartbeatRequest, 0, { generationId: Number.NaN })).toThrow(/must be int32, not NaN/);
    const topics = [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 2 ** 53 }] }];
    expect(() => encodeToBuffer(FetchRequest, 4, { topics })).toThrow(/fetchOffset must be int64/);
  });

  test('A string beyond 32767 bytes is refused', () => {
    expect(() => encodeToBuffer(HeartbeatRequest, 0, { groupId: 'ü'.repeat(16384) })).toThrow(/32768 bytes/);
  });

  test('An int64 beyond the safe integers saturates when decoded', () => {
    const bytes = encodeToBuffer(FetchRequest, 4, { topics: [{ topic: 't', partitions: [{ fetchOffset: 1 }] }] });
    bytes.writeBigInt64BE(2n ** 62n, bytes.length - 12);
    expect(decodeBuffer(FetchRequest, 4, bytes).topics[0].partitions[0].fetchOffset).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('An empty assignment is an empty byte field, not a missing one', () => {
    const request = { assignments: [{ memberId: 'm', assignment: Buffer.alloc(0) }] };
    expect(
      decodeBuffer(SyncGroupRequest, 5, encodeToBuffer(SyncGroupRequest, 5, request)).assignments[0].assignment,
    ).toEqual(Buffer.alloc(0));
  });
});

describe('Buffers', () => {
  test('Records are kept by reference when encoded and are slices when decoded', () => {
    const records = Buffer.alloc(5000, 7);
    const writer = new ByteWriter();
    encode(ProduceRequest, 9, { topicData: [{ name: 't', partitionData: [{ records }] }] }, writer);
    const chunks = writer.chunks();
    expect(chunks.some((chunk) => chunk === records)).toBe(true);
    const frame = Buffer.concat(chunks);
    const decoded = decodeBuffer(ProduceRequest, 9, frame).topicData[0].partitionData[0].records;
    expect(decoded?.buffer).toBe(frame.buffer);
    expect(decoded?.equals(records)).toBe(true);
  });

  test('Bytes after the message are left to the caller', () => {
    const reader = new ByteReader(Buffer.concat([encodeToBuffer(HeartbeatRequest, 4, {}), Buffer.from('junk')]));
    decode(HeartbeatRequest, 4, reader);
    expect(reader.remaining).toBe(4);
  });
});

describe('Tag sections', () => {
  test('Tags that we do not know are passed over', () => {
    const bytes = encodeToBuffer(HeartbeatRequest, 4, { groupId: 'g', memberId: 'm' });
    const extended = Buffer.concat([
      bytes.subarray(0, -1),
      Buffer.from('02 05 03 aabbcc 63 00'.replaceAll(' ', ''), 'hex'),
    ]);
    const reader = new ByteReader(extended);
    expect(decode(HeartbeatRequest, 4, reader)).toEqual(decodeBuffer(HeartbeatRequest, 4, bytes));
    expect(reader.remaining).toBe(0);
  });

  test('A tagged field with its default is not written, another value is', () => {
    const silent = encodeToBuffer(FetchResponse, 16, {
      responses: [{ partitions: [{ currentLeader: { leaderId: -1, leaderEpoch: -1 } }] }],
    });
    const spoken = encodeToBuffer(FetchResponse, 16, {
      responses: [{ partitions: [{ currentLeader: { leaderId: 1, leaderEpoch: -1 } }] }],
    });
    expect(spoken.length - silent.length).toBe(11);
    expect(decodeBuffer(FetchResponse, 16, spoken).responses[0].partitions[0].currentLeader.leaderId).toBe(1);
  });

  test('A tagged field that is longer or shorter than it says is refused', () => {
    const bytes = encodeToBuffer(ApiVersionsResponse, 3, { finalizedFeaturesEpoch: 5 });
    const tag = bytes.indexOf(Buffer.from('0108', 'hex'));
    bytes[tag + 1] = 7;
    expect(() => decodeBuffer(ApiVersionsResponse, 3, bytes)).toThrow(/tagged field/);
  });
});

test('Where code generation is disallowed the closures do the same work', () => {
  const door = fileURLToPath(new URL('../../src/protocol/index.ts', import.meta.url));
  const script = `
    import { encodeToBuffer, decodeBuffer, HeartbeatRequest } from ${JSON.stringify(door)};
    const bytes = encodeToBuffer(HeartbeatRequest, 4, { groupId: 'g', generationId: 3 });
    console.log(bytes.toString('hex'), decodeBuffer(HeartbeatRequest, 4, bytes).generationId);`;
  const flags = ['--disallow-code-generation-from-strings', '--conditions=springtide-src', '--input-type=module'];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8' });
  const expected = encodeToBuffer(HeartbeatRequest, 4, { groupId: 'g', generationId: 3 }).toString('hex');
  expect(`${stdout}${stderr}`).toBe(`${expected} 3\n`);
});
