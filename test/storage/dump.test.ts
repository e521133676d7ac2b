/** What `dump-log` prints of files that Apache Kafka wrote; the comparison with its own tool is in test/interop. */
import { describe, expect, test } from '@jest/globals';
import {
  buildBatch,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  controlRecordKey,
  encodeEndTxnMarker,
  encodeStored,
  encodeSubscription,
  GroupMetadataKey,
  GroupMetadataValue,
  TopicRecord,
  TransactionLogKey,
  TransactionLogValue,
} from '#protocol';
import { clusterMetadataDecoder, memoryDisk, offsetsDecoder, plainDecoder, transactionLogDecoder } from '#storage';
import { damage, dump, patched } from './dump-scene.ts';
import { goldenDisk, putFile } from './golden-folder.ts';

const FOLDER = '/data/golden-0';
const LOG = `${FOLDER}/00000000000000000000.log`;
const INDEX = `${FOLDER}/00000000000000000000.index`;
const TIME_INDEX = `${FOLDER}/00000000000000000000.timeindex`;
const text = plainDecoder('StringDecoder', 'StringDecoder');
const HEAD = 'isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty';

/** A log of one batch, dumped. */
async function dumpBatch(
  records: { key: Buffer | null; value: Buffer | null }[],
  decoder = text,
  options: Parameters<typeof buildBatch>[1] = {},
) {
  const disk = memoryDisk();
  putFile(
    disk,
    '/d/00000000000000000000.log',
    buildBatch(
      records.map((r) => ({ ...r, timestamp: 1 })),
      options,
    ),
  );
  return dump(disk, '/d/00000000000000000000.log', { decoder });
}

describe('dump of a log', () => {
  test('prints the line of a batch as Kafka does', async () => {
    const { out, code } = await dump(goldenDisk('clean'), LOG);
    const lines = out.split('\n');
    expect(lines.slice(0, 3)).toEqual([
      `Dumping ${LOG}`,
      'Log starting offset: 0',
      `baseOffset: 0 lastOffset: 2 count: 3 baseSequence: 0 lastSequence: 2 producerId: 0 producerEpoch: 0 partitionLeaderEpoch: 0 ${HEAD} position: 0 CreateTime: 1795252120998 size: 280 magic: 2 compresscodec: none crc: 4080052301 isvalid: true`,
    ]);
    expect(lines).toHaveLength(10);
    expect(code).toBe(0);
  });

  test('prints records with their keys and values, and nothing but these on request', async () => {
    const records = [
      { key: null, value: Buffer.from('ä') },
      { key: Buffer.from('k'), value: null },
    ];
    expect((await dumpBatch(records)).out.split('\n').slice(3)).toEqual([
      '| offset: 0 CreateTime: 1 keySize: -1 valueSize: 2 sequence: -1 headerKeys: [] payload: ä',
      '| offset: 1 CreateTime: 1 keySize: 1 valueSize: -1 sequence: -1 headerKeys: [] key: k',
      '',
    ]);
    const short = await dump(goldenDisk('clean'), LOG, { decoder: text, isDeep: true, skipRecordMetadata: true });
    expect(short.out).toMatch(/\n\| key: \S+ payload: \S+\n/);
  });

  test('says which records do not follow the one before', async () => {
    const { err } = await dump(goldenDisk('clean'), `${FOLDER}/00000000000000000019.log`, { isDeep: true });
    expect(err).toBe(`Non-consecutive offsets in ${FOLDER}/00000000000000000019.log\n  -1 is followed by 19\n`);
  });

  test('reads no more of a file than it was told', async () => {
    const { out } = await dump(goldenDisk('clean'), LOG, { bytesMax: 600 });
    expect(out.match(/baseOffset/g)).toHaveLength(2);
    expect(out).not.toContain('invalid bytes');
  });

  test('shows a batch with a wrong checksum, and goes on', async () => {
    const disk = goldenDisk('clean');
    await damage(disk, LOG, patched(100, 1, 2, 3));
    const { out, code } = await dump(disk, LOG);
    expect([out.match(/isvalid: false/g), out.match(/isvalid: true/g)?.length, code]).toEqual([
      ['isvalid: false'],
      6,
      0,
    ]);
  });

  test('prints offsets and timestamps of any size exactly', async () => {
    const disk = goldenDisk('clean');
    await damage(disk, LOG, (bytes) => patched(0, 0x7f)(patched(27, 0x7f)(bytes)));
    const { out } = await dump(disk, LOG, { isDeep: true });
    expect(out).toContain('baseOffset: 9151314442816847872 lastOffset: 9151314442816847874 ');
    expect(out).toMatch(/\| offset: 9151314442816847873 CreateTime: 91513\d{14} /);
  });

  test('counts what is behind the last batch, and ends where a length cannot be', async () => {
    const disk = goldenDisk('clean');
    await damage(disk, LOG, (bytes) => bytes.subarray(0, bytes.length - 1));
    expect((await dump(disk, LOG)).out).toMatch(/\nFound 80 invalid bytes at the end of 00000000000000000000.log\n$/);
    await damage(disk, LOG, patched(280 + 8, 0, 0, 0, 5));
    const { code, err, out } = await dump(disk, [LOG, INDEX]);
    expect(err).toBe(`Found record size 5 smaller than minimum record overhead (14) in file ${LOG}.\n`);
    expect([code, out.includes('.index')]).toEqual([1, false]);
  });

  test('says why when a file is not there or of no known kind', async () => {
    const disk = goldenDisk('clean');
    expect(await dump(disk, '/data/absent-0/00000000000000000000.log')).toMatchObject({ code: 1 });
    const { err, code } = await dump(disk, 'data//golden-0/partition.metadata/');
    expect([err, code]).toEqual(['Ignoring unknown file data/golden-0/partition.metadata\n', 0]);
  });
});

describe('dump of an index', () => {
  test('prints both kinds, and stops at padding', async () => {
    const { out, err } = await dump(
      goldenDisk('running'),
      [INDEX, TIME_INDEX].map((path) => path.replace('0000.', '0038.')),
    );
    expect(out).toContain('offset: 46 position: 560\noffset: 52 position: 1120\noffset: 56 position: 1680\nDumping');
    expect(out).toMatch(/timestamp: 1795252126000 offset: 46\n.*\ntimestamp: 1795252126118 offset: 56\n$/);
    expect(err).toBe('');
  });

  test('tells entries that the log contradicts', async () => {
    const disk = goldenDisk('clean');
    await damage(disk, INDEX, patched(3, 9));
    await damage(disk, TIME_INDEX, patched(7, 0));
    const { err, out, code } = await dump(disk, [INDEX, TIME_INDEX], { isVerifyOnly: true });
    expect(err).toBe(
      `Mismatches in :${INDEX}\n  Index offset: 9, log offset: 8\n` +
        `Found timestamp mismatch in :${TIME_INDEX}\n  Index timestamp: 1795252121344, log timestamp: 1795252121590\n`,
    );
    expect([out, code]).toEqual([`Dumping ${INDEX}\nDumping ${TIME_INDEX}\n`, 0]);
  });

  test('checks what Kafka checks at a start', async () => {
    const disk = goldenDisk('clean');
    expect((await dump(disk, INDEX, { isSanityOnly: true })).out).toContain(`${INDEX} passed sanity check.`);
    await damage(disk, INDEX, (bytes) => bytes.subarray(1));
    const { err, code } = await dump(disk, INDEX, { isSanityOnly: true });
    expect(err).toContain('found 23 bytes which is neither positive nor a multiple of 8');
    expect(code).toBe(1);
  });
});

describe('dump of the state of producers', () => {
  test('prints a snapshot, and Kafka’s reason for a damaged one', async () => {
    const disk = goldenDisk('clean');
    const path = `${FOLDER}/00000000000000000019.snapshot`;
    expect((await dump(disk, path)).out.split('\n')[1]).toBe(
      'producerId: 0 producerEpoch: 0 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong.empty lastTimestamp: 1795252120998 firstSequence: 0 lastSequence: 2 lastOffset: 2 offsetDelta: 2 timestamp: 1795252120998',
    );
    await damage(disk, path, patched(30, 1));
    const { err, code } = await dump(disk, path);
    expect(err).toMatch(/^Snapshot is corrupt \(CRC is no longer valid\)\. Stored crc: \d+\. Computed crc: \d+\n$/);
    expect(code).toBe(0);
  });

  test('prints aborted transactions', async () => {
    const disk = memoryDisk();
    const entry = Buffer.alloc(34);
    [7n, 3n, 9n, 12n].forEach((value, index) => void entry.writeBigInt64BE(value, 2 + index * 8));
    putFile(disk, '/d/00000000000000000000.txnindex', entry);
    expect((await dump(disk, '/d/00000000000000000000.txnindex')).out).toContain(
      '\nversion: 0 producerId: 7 firstOffset: 3 lastOffset: 9 lastStableOffset: 12\n',
    );
  });
});

describe('records of internal topics', () => {
  test('shows a classic group with what its members said', async () => {
    const subscription = encodeSubscription({ topics: ['t'], userData: null }, 1);
    const member = { memberId: 'm', clientId: 'c', clientHost: '/h', sessionTimeout: 1, rebalanceTimeout: 2 };
    const members = [{ ...member, subscription, assignment: Buffer.from('??') }];
    const value = { protocolType: 'consumer', generation: 1, protocol: 'range', leader: 'm', members };
    const { out } = await dumpBatch(
      [{ key: encodeStored(GroupMetadataKey, 0, { group: 'g' }), value: encodeStored(GroupMetadataValue, 3, value) }],
      offsetsDecoder,
    );
    expect(out).toContain(
      'key: {"type":"2","data":{"group":"g"}} payload: {"version":"3","data":{"protocolType":"consumer"',
    );
    expect(out).toContain('"subscription":{"topics":["t"],"userData":null,"ownedPartitions":[]},"assignment":"Pz8="}');
  });

  test('prints 64-bit hashes exactly, and tombstones as such', async () => {
    const key = encodeStored(ConsumerGroupMetadataKey, 0, { groupId: 'g' });
    const value = encodeStored(ConsumerGroupMetadataValue, 0, { epoch: 1, metadataHash: '0000000000000005' });
    value.writeBigInt64BE(-7490848820305787254n, value.length - 8);
    const { out } = await dumpBatch(
      [
        { key, value },
        { key, value: null },
      ],
      offsetsDecoder,
    );
    expect(out).toContain('payload: {"version":"0","data":{"epoch":1,"metadataHash":-7490848820305787254}}\n');
    expect(out).toContain('payload: <DELETE>\n');
  });

  test('names records that it does not know, and goes on', async () => {
    const keys = [Buffer.from([0, 99]), Buffer.from([0, 11, 0, 0]), Buffer.from([0, 1, 9])];
    const { out, code } = await dumpBatch(
      keys.map((key) => ({ key, value: null })),
      offsetsDecoder,
    );
    expect(out).toContain('key: Unknown record type 99 at offset 0, skipping.\n');
    expect(out).toMatch(/key: Error at offset 1, skipping\. .*ShareGroupMetadataKey/);
    expect(out).toMatch(/key: Error at offset 2, skipping\. OffsetCommitKey/);
    expect(code).toBe(0);
  });

  test('ends at a record of such a topic that has no key', async () => {
    const { err, code } = await dumpBatch([{ key: null, value: null }], offsetsDecoder);
    expect(err).toContain('Failed to decode message at offset 0');
    expect(code).toBe(1);
  });

  test('shows transactions and metadata', async () => {
    const key = encodeStored(TransactionLogKey, 0, { transactionalId: 'a "b"\u0001' });
    const value = encodeStored(TransactionLogValue, 1, {
      producerId: 4,
      producerEpoch: 1,
      transactionPartitions: null,
    });
    const transaction = await dumpBatch([{ key, value }], transactionLogDecoder);
    expect(transaction.out).toContain('{"type":"0","data":{"transactionalId":"a \\"b\\"\\u0001"}}');
    expect(transaction.out).toMatch(/"version":"1","data":\{"producerId":4,"producerEpoch":1,/);
    const topic = encodeStored(TopicRecord, 0, { name: 't', topicId: 'BFW8RU_yRPugVunx2YS_IA' });
    const metadata = await dumpBatch(
      [
        { key: null, value: topic },
        { key: null, value: Buffer.from([9]) },
      ],
      clusterMetadataDecoder,
    );
    expect(metadata.out).toContain(
      ' payload: {"type":"TOPIC_RECORD","version":0,"data":{"name":"t","topicId":"BFW8RU_yRPugVunx2YS_IA"}}\n',
    );
    expect(metadata.out).toMatch(/payload: Error at 1, skipping\. /);
  });

  test('prints control records without a decoder having a say', async () => {
    const records = [{ key: controlRecordKey('abort'), value: encodeEndTxnMarker(3) }];
    const { out } = await dumpBatch(records, text, {
      isControl: true,
      isTransactional: true,
      producerId: 1,
      producerEpoch: 0,
      baseSequence: -1,
    });
    expect(out).toMatch(/headerKeys: \[\] endTxnMarker: ABORT coordinatorEpoch: 3\n$/);
  });

  test('refuses decoders that are not there by name', () => {
    expect(() => plainDecoder('com.example.Mine', 'StringDecoder')).toThrow('com.example.Mine');
  });
});
