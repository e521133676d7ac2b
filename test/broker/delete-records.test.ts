import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, Errors, errorByCode } from '#protocol';
import type { MemoryDisk } from '#storage';
import { batchOf, Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

/** A topic `t` with ten records. */
async function start(options: Parameters<typeof Scene.start>[0] = {}): Promise<void> {
  scene = await Scene.start({ topics: { t: 1 }, ...options });
  for (let i = 0; i < 10; i++) await scene.produce('t', batchOf([`v${i}`]));
}

async function deleteRecords(offset: number, name = 't', version = Apis.DeleteRecords.maxVersion, partitionIndex = 0) {
  const topics = [{ name, partitions: [{ partitionIndex, offset }] }];
  const { topics: answers } = await scene.send(Apis.DeleteRecords, { topics, timeoutMs: 1000 }, version);
  const [{ lowWatermark, errorCode }] = answers[0].partitions;
  return [errorByCode(errorCode).name, lowWatermark];
}

async function fetchAt(fetchOffset: number, wait = { maxWaitMs: 0, minBytes: 0 }) {
  const topics = [{ topic: 't', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }] }];
  const { responses } = await scene.send(Apis.Fetch, { ...wait, maxBytes: 1_000_000, topics }, 11);
  return responses[0].partitions[0];
}

async function earliest(): Promise<number> {
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -2 }] }];
  return (await scene.send(Apis.ListOffsets, { replicaId: -1, topics }, 5)).topics[0].partitions[0].offset;
}

async function setConfig(name: string, value: string): Promise<string> {
  const resources = [{ resourceType: 2, resourceName: 't', configs: [{ name, value, configOperation: 0 }] }];
  const { responses } = await scene.send(Apis.IncrementalAlterConfigs, { resources });
  return `${errorByCode(responses[0].errorCode).name} ${responses[0].errorMessage ?? ''}`;
}

describe('DeleteRecords', () => {
  it.each([0, 1, 2])('version %d moves the start of the log; what lies below is out of range', async (version) => {
    await start();
    expect(await deleteRecords(4, 't', version)).toEqual(['NONE', 4]);
    expect(await earliest()).toBe(4);
    expect(await fetchAt(3)).toMatchObject({ errorCode: Errors.OFFSET_OUT_OF_RANGE.code, highWatermark: -1 });
    expect(await fetchAt(4)).toMatchObject({ errorCode: 0, logStartOffset: 4 });
  });

  it('with -1 deletes all that is committed; the log goes on behind it', async () => {
    await start();
    expect(await deleteRecords(-1)).toEqual(['NONE', 10]);
    expect(await fetchAt(10)).toMatchObject({ errorCode: 0, logStartOffset: 10 });
    expect(await scene.produce('t', batchOf(['next']))).toMatchObject({ baseOffset: 10, logStartOffset: 10 });
  });

  it('never goes back', async () => {
    await start();
    await deleteRecords(6);
    expect(await deleteRecords(2)).toEqual(['NONE', 6]);
    expect(await earliest()).toBe(6);
  });

  it('survives a crash once it is answered', async () => {
    await start();
    await deleteRecords(7);
    const disk = (scene.disk as MemoryDisk).kill();
    await scene.close();
    scene = await Scene.start({ disk });
    expect(await earliest()).toBe(7);
  });

  it('refuses what it cannot do, naming why', async () => {
    await start();
    expect(await deleteRecords(11)).toEqual(['OFFSET_OUT_OF_RANGE', -1]);
    expect(await deleteRecords(-2)).toEqual(['OFFSET_OUT_OF_RANGE', -1]);
    expect(await deleteRecords(1, 'nosuch')).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', -1]);
    expect(await deleteRecords(1, 't', 2, 9)).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', -1]);
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    expect(await deleteRecords(0, '__consumer_offsets')).toEqual(['INVALID_TOPIC_EXCEPTION', -1]);
    await setConfig('cleanup.policy', 'compact');
    expect(await deleteRecords(1)).toEqual(['POLICY_VIOLATION', -1]);
    await setConfig('cleanup.policy', 'compact,delete');
    expect(await deleteRecords(1)).toEqual(['NONE', 1]);
  });

  it('needs the right to delete in the topic', async () => {
    let isShut = false;
    const allows = (_who: string, _host: string, operation: string, resource: string, name: string): boolean =>
      !(isShut && `${operation} ${resource} ${name}` === 'delete topic t');
    await start({ authorizer: { allows } });
    isShut = true;
    expect(await deleteRecords(1)).toEqual(['TOPIC_AUTHORIZATION_FAILED', -1]);
    expect(await earliest()).toBe(0);
  });

  it('wakes a fetch that waits for more below the new start', async () => {
    await start();
    const other = await scene.client();
    const topics = [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 5, partitionMaxBytes: 1_000_000 }] }];
    const fetch = { maxWaitMs: 500_000, minBytes: 100_000, maxBytes: 1_000_000, topics };
    const waiting = other.send(Apis.Fetch, 11, fetch, { timeoutMs: 600_000 });
    await scene.clock.settle();
    await deleteRecords(8);
    const { responses } = await waiting;
    expect(responses[0].partitions[0].errorCode).toBe(Errors.OFFSET_OUT_OF_RANGE.code);
  });
});

describe('a topic config that is changed through the broker', () => {
  it.each([
    ['retention.ms', '1000'],
    ['retention.bytes', '0'],
  ])('%s works at the next check of log.retention.check.interval.ms', async (name, value) => {
    await start({ config: { 'log.retention.check.interval.ms': 20_000, 'log.retention.ms': -1 } });
    await scene.clock.advance(20_000);
    expect(await earliest()).toBe(0);
    expect(await setConfig(name, value)).toBe('NONE ');
    await scene.clock.advance(20_000);
    expect(await earliest()).toBe(10);
    expect(await scene.produce('t', batchOf(['next']))).toMatchObject({ errorCode: 0, baseOffset: 10 });
  });

  it('max.message.bytes, timestamp rules and the rest hold for the next produce', async () => {
    await start();
    const produce = async () => errorByCode((await scene.produce('t', batchOf(['v']))).errorCode).name;
    const withConfig = async (name: string, value: string, reset: string): Promise<string> => {
      await setConfig(name, value);
      const outcome = await produce();
      await setConfig(name, reset);
      return outcome;
    };
    expect(await withConfig('max.message.bytes', '20', '1000000')).toBe('MESSAGE_TOO_LARGE');
    await scene.clock.setWall(Date.UTC(2027, 0, 1));
    expect(await withConfig('message.timestamp.before.max.ms', '1000', '9223372036854775807')).toBe(
      'INVALID_TIMESTAMP',
    );
    expect(await withConfig('cleanup.policy', 'compact', 'delete')).toBe('INVALID_RECORD');
    await setConfig('message.timestamp.type', 'LogAppendTime');
    expect((await scene.produce('t', batchOf(['v']))).logAppendTimeMs).toBeGreaterThanOrEqual(Date.UTC(2027, 0, 1));
    expect(await produce()).toBe('NONE');
  });

  it.each([
    ['preallocate', /not preallocated/],
    ['remote.storage.enable', /no tiered storage/],
  ])('%s=true is refused by name', async (name, reason) => {
    await start();
    const outcome = await setConfig(name, 'true');
    expect(outcome).toMatch(/^INVALID_CONFIG/);
    expect(outcome).toMatch(reason);
    expect(outcome).toContain(name);
    expect(await setConfig(name, 'false')).toBe('NONE ');
  });

  it('a broker key that would be refused for every topic stops the start', async () => {
    await expect(Scene.start({ config: { 'log.preallocate': true } })).rejects.toThrow(/preallocate/);
    scene = await Scene.start();
  });
});
