/** A log that starts in the middle of a batch, after records were deleted. */
import { expect, test } from '@jest/globals';
import { appendValues, createLog, openScene, readValues, START_MS } from './scene.ts';

/** Ten records in batches of five; the one with the largest timestamp, offset 6, is deleted with all before it. */
async function trimmed() {
  const scene = await openScene();
  const log = createLog(scene);
  const timestamps = [0, 1, 2, 3, 4, 5, 900, 7, 8, 8].map((ms) => START_MS + ms);
  for (const first of [0, 5]) {
    const values = timestamps.slice(first, first + 5).map(String);
    appendValues(log, values, { timestamps: timestamps.slice(first, first + 5) });
  }
  await log.flush();
  await log.deleteRecords(7);
  return { ...scene, log };
}

test('the largest timestamp is that of a record that is there, the first one of several', async () => {
  const { log } = await trimmed();
  expect(await log.maxTimestampOffset()).toMatchObject({ offset: 8, timestamp: START_MS + 8 });
  expect(await log.maxTimestampOffset(8)).toMatchObject({ offset: 7, timestamp: START_MS + 7 });
});

test('the epoch of its first records is found in their batch when the file of epochs is lost', async () => {
  const { directory, disk } = await trimmed();
  await directory.close();
  await disk.remove('/data/orders-0/leader-epoch-checkpoint');
  const again = (await openScene({ disk })).directory.get('orders', 0)!;
  expect(await readValues(again)).toHaveLength(3);
  expect(again.leaderEpochs.entries).toEqual([{ epoch: 0, startOffset: 7 }]);
});
