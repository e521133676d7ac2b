/** What a fetch takes out of topics, counted when it is answered. */
import type { Traffic } from '../meters/topic-traffic.ts';
import type { PartitionAnswer } from './fetch-reader.ts';

export function countFetched(traffic: Traffic, answers: readonly PartitionAnswer[]): void {
  for (const { partition, errorCode, response } of answers) {
    traffic.find(partition.topic).read(bytesOf(response.records), errorCode !== 0);
  }
}

function bytesOf(records: Buffer | readonly Buffer[] | null | undefined): number {
  if (records === null || records === undefined) return 0;
  if (Buffer.isBuffer(records)) return records.length;
  let bytes = 0;
  for (const part of records) bytes += part.length;
  return bytes;
}
