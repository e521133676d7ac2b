/** What Kafka's performance tools are run with: records of three sizes, in topics of one partition and of six. */
import { join } from 'node:path';
import { writePayload } from './payload.ts';
import type { CompareOptions } from './sample.ts';

export type RecordBytes = 10 | 100 | 1024;

export interface Load {
  readonly name: string;
  readonly recordBytes: RecordBytes;
  readonly partitionCount: number;
  readonly payloadFile: string;
}

const SIZES = [10, 100, 1024] as const;
const PARTITIONS = [1, 6] as const;

/** Those that `only` leaves, with their payload in `folder`. */
export function* loadsOf(folder: string, { only }: CompareOptions): Generator<Load, void> {
  for (const partitionCount of PARTITIONS) {
    for (const recordBytes of SIZES) {
      const name = `${recordBytes} B, ${partitionCount} partitions`;
      if (!name.includes(only)) continue;
      const payloadFile = join(folder, `payload-${recordBytes}`);
      writePayload(payloadFile, recordBytes);
      yield { name, recordBytes, partitionCount, payloadFile };
    }
  }
}
