/** Runs at most `parallelMax` at a time; the first failure is thrown when those under way have ended. */
export async function inParallel<T>(
  items: readonly T[],
  parallelMax: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await run(items[next++]);
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(parallelMax, items.length) }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
