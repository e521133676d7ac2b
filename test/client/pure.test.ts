/** The pure parts that all clients share: back-off, version choice, metadata, topics in use. */
import { describe, expect, test } from '@jest/globals';
import { Apis, decodeBuffer, encodeToBuffer, MetadataResponse } from '#protocol';
import { commonVersion, unsupportedVersion } from '../../src/client/api-versions.ts';
import { backoffMs } from '../../src/client/backoff.ts';
import { applyLeader, applyMetadata, isSamePicture, NO_METADATA } from '../../src/client/metadata.ts';
import { WantedTopics } from '../../src/client/wanted-topics.ts';

describe('back-off', () => {
  test.each([
    [0, 0.5, 0],
    [1, 0.5, 100],
    [2, 0.5, 200],
    [4, 0.5, 800],
    [5, 0.5, 1000],
    [500, 0.5, 1000],
    [1, 0, 80],
    [500, 0.999_999, 1200],
  ])('after %i failures with chance %d it is %d ms', (failureCount, chance, expected) => {
    expect(backoffMs({ firstMs: 100, mostMs: 1000 }, failureCount, chance)).toBeCloseTo(expected, 2);
  });
});

describe('the version of a request', () => {
  const api = Apis.Metadata;

  test.each([
    ['the highest that both know', { min: 0, max: 9 }, undefined, 9],
    ['our highest on a newer broker', { min: 0, max: 99 }, undefined, api.maxVersion],
    ['no higher than the caller wants', { min: 0, max: 99 }, 4, 4],
    ['none when the broker is too new', { min: 50, max: 99 }, undefined, undefined],
    ['none when the caller wants less than the broker has', { min: 7, max: 9 }, 4, undefined],
  ])('is %s', (_, range, versionMax, expected) => {
    expect(commonVersion(new Map([[api.key, range]]), api, versionMax)).toBe(expected);
  });

  test('that does not exist is explained with both ranges', () => {
    const error = unsupportedVersion(new Map([[api.key, { min: 50, max: 99 }]]), api, 'host:1');
    expect(error.message).toMatch(/Metadata cannot be sent to host:1.*0 to 13.*50 to 99/);
    expect(unsupportedVersion(new Map(), api, 'host:1').message).toContain('does not serve it');
  });
});

describe('metadata', () => {
  const none = () => false;
  const topic = (leaderEpoch: number, leaderId: number, topicId = 'AAAAAAAAAAAAAAAAAAAAAQ', count = 2) =>
    answer([{ name: 't', topicId, partitions: range(count).map((i) => partition(i, leaderId, leaderEpoch)) }]);

  test('an older leader epoch does not undo a newer one', () => {
    const first = applyMetadata(NO_METADATA, topic(5, 1), none);
    const second = applyMetadata(first, topic(4, 2), none);
    expect(second.topics.get('t')?.partitions[0]).toMatchObject({ leaderId: 1, leaderEpoch: 5 });
    expect(applyMetadata(second, topic(6, 2), none).topics.get('t')?.partitions[0].leaderId).toBe(2);
  });

  test('a topic that was created again starts over with its epochs', () => {
    const first = applyMetadata(NO_METADATA, topic(5, 1), none);
    const second = applyMetadata(first, topic(0, 2, 'AAAAAAAAAAAAAAAAAAAAAg'), none);
    expect(second.topics.get('t')?.partitions[0]).toMatchObject({ leaderId: 2, leaderEpoch: 0 });
  });

  test('partitions that a slower broker does not know yet stay known', () => {
    const first = applyMetadata(NO_METADATA, topic(0, 1, 'AAAAAAAAAAAAAAAAAAAAAQ', 4), none);
    const second = applyMetadata(first, topic(0, 1, 'AAAAAAAAAAAAAAAAAAAAAQ', 2), none);
    expect(second.topics.get('t')?.partitions.map((one) => one.partition)).toEqual([0, 1, 2, 3]);
  });

  test('topics the answer does not mention are kept only when they are wanted', () => {
    const first = applyMetadata(NO_METADATA, topic(0, 1), none);
    expect([...applyMetadata(first, answer([]), none).topics.keys()]).toEqual([]);
    expect([...applyMetadata(first, answer([]), (name) => name === 't').topics.keys()]).toEqual(['t']);
  });

  test('a refusal that names the new leader is taken over only when its epoch is newer', () => {
    const known = applyMetadata(NO_METADATA, topic(3, 1), none);
    const endpoint = { nodeId: 9, host: 'h', port: 1, rack: null };
    const news = { topic: 't', partition: 1, leaderId: 9, leaderEpoch: 3 };
    expect(applyLeader(known, news, [endpoint])).toBe(known);
    const next = applyLeader(known, { ...news, leaderEpoch: 4 }, [endpoint]);
    expect(next.topics.get('t')?.partitions.map((one) => one.leaderId)).toEqual([1, 9]);
    expect(next.brokers.get(9)?.host).toBe('h');
    expect(applyLeader(known, { ...news, leaderId: 77, leaderEpoch: 4 }, [])).toBe(known);
  });

  test('two pictures with the same leaders are the same', () => {
    const first = applyMetadata(NO_METADATA, topic(3, 1), none);
    expect(isSamePicture(first, applyMetadata(first, topic(3, 1), none))).toBe(true);
    expect(isSamePicture(first, applyMetadata(first, topic(4, 1), none))).toBe(false);
    expect(isSamePicture(NO_METADATA, first)).toBe(false);
  });
});

describe('topics in use', () => {
  test('are forgotten when idle, lasting ones are not', () => {
    const wanted = new WantedTopics(true, 1000);
    wanted.set(['lasting']);
    expect(wanted.touch('used', 0)).toBe(true);
    expect(wanted.touch('used', 500)).toBe(false);
    expect(wanted.asked(1500, () => true).names).toEqual(['lasting', 'used']);
    expect(wanted.asked(1501, () => true).names).toEqual(['lasting']);
  });

  test('may be created by asking only if that is wanted for each one that is missing', () => {
    const wanted = new WantedTopics(true, 1000);
    wanted.touch('a', 0);
    wanted.touch('b', 0, false);
    expect(wanted.asked(0, () => false).allowAutoCreation).toBe(false);
    expect(wanted.asked(0, (name) => name === 'b').allowAutoCreation).toBe(true);
  });

  test('all topics means no list', () => {
    const wanted = new WantedTopics(true, 1000);
    wanted.touch('a', 0);
    wanted.setAll();
    expect(wanted.asked(0, () => true).names).toBeNull();
    wanted.set([]);
    expect(wanted.asked(0, () => true).names).toEqual(['a']);
  });
});

interface TopicDraft {
  name: string;
  topicId: string;
  partitions: ReturnType<typeof partition>[];
}

function answer(topics: TopicDraft[]): MetadataResponse {
  const brokers = [1, 2].map((nodeId) => ({ nodeId, host: 'h', port: nodeId }));
  return decodeBuffer(MetadataResponse, 12, encodeToBuffer(MetadataResponse, 12, { brokers, topics }));
}

function partition(partitionIndex: number, leaderId: number, leaderEpoch: number) {
  return { partitionIndex, leaderId, leaderEpoch, replicaNodes: [leaderId], isrNodes: [leaderId] };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
