import { describe, expect, test } from '@jest/globals';
import { Errors } from '#protocol';
import { appendValues, batchOf, createLog, openScene, readValues } from './scene.ts';

describe('appending and reading', () => {
  test('records get the offsets from the end of the log on and are read back from memory', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    expect(appendValues(log, ['a', 'b'])).toBe(0);
    expect(appendValues(log, ['c'])).toBe(2);
    expect(log.logEndOffset).toBe(3);
    expect(log.durableEndOffset).toBe(0);
    await scene.clock.settle();
    expect(log.durableEndOffset).toBe(3);
    expect(await readValues(log)).toEqual(['0=a', '1=b', '2=c']);
  });

  test('records survive closing and opening again', async () => {
    const scene = await openScene();
    appendValues(createLog(scene), ['a', 'b', 'c']);
    await scene.directory.close();
    const again = await openScene({ disk: scene.disk });
    const log = again.directory.get('orders', 0);
    expect(log && (await readValues(log))).toEqual(['0=a', '1=b', '2=c']);
    expect(again.warnings).toEqual([]);
  });

  test('a batch with a wrong checksum is refused', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    const batch = batchOf(['a']);
    batch[batch.length - 1] ^= 1;
    expect(log.append(batch, { leaderEpoch: 0, origin: 'client' }).error).toBe(Errors.CORRUPT_MESSAGE);
    expect(log.logEndOffset).toBe(0);
  });
});
