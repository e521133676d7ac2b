/** Files of a partition: an entry of .txnindex; a .snapshot, whose checksum (CRC-32C) covers what follows it. */
import { array, type Infer, int16, int32, int64, message, uint32 } from '../schema.ts';

export const AbortedTxn = message(
  'AbortedTxn',
  { type: 'data', versions: '0', flexibleVersions: 'none' },
  { producerId: int64(), firstOffset: int64(), lastOffset: int64(), lastStableOffset: int64() },
);
export type AbortedTxn = Infer<typeof AbortedTxn>;

export const ProducerSnapshot = message(
  'ProducerSnapshot',
  { type: 'data', versions: '1', flexibleVersions: 'none' },
  {
    crc: uint32(),
    producerEntries: array({
      producerId: int64(),
      epoch: int16(),
      lastSequence: int32(),
      lastOffset: int64(),
      offsetDelta: int32(),
      timestamp: int64(),
      coordinatorEpoch: int32(),
      currentTxnFirstOffset: int64(),
    }),
  },
);
export type ProducerSnapshot = Infer<typeof ProducerSnapshot>;
