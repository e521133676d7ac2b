/** Consumers older than Fetch version 10 cannot read zstd. Only for them do we look at the batches of an answer. */
import { batches } from '#protocol';

/** @param records slices that lie one after the other, whole batches together */
export function hasZstd(records: readonly Buffer[]): boolean {
  const joined = records.length === 1 ? records[0] : Buffer.concat(records);
  for (const { header } of batches(joined)) if (header.compression === 'zstd') return true;
  return false;
}
