/**
 * What consumers tell each other through JoinGroup and SyncGroup: an int16 version, then one of these. Readers take
 * newer versions for the newest they know.
 */
import { array, bytes, type Infer, int32, message, string } from '../schema.ts';

export const ConsumerProtocolSubscription = message(
  'ConsumerProtocolSubscription',
  { type: 'data', versions: '0-3', flexibleVersions: 'none' },
  {
    topics: array(string()),
    userData: bytes({ nullable: '0+', default: null }),
    ownedPartitions: array(
      { topic: string({ versions: '1+' }), partitions: array(int32(), { versions: '1+' }) },
      { versions: '1+', ignorable: true },
    ),
    generationId: int32({ versions: '2+', default: -1, ignorable: true }),
    rackId: string({ versions: '3+', nullable: '3+', default: null, ignorable: true }),
  },
);
export type ConsumerProtocolSubscription = Infer<typeof ConsumerProtocolSubscription>;

export const ConsumerProtocolAssignment = message(
  'ConsumerProtocolAssignment',
  { type: 'data', versions: '0-3', flexibleVersions: 'none' },
  {
    assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
    userData: bytes({ nullable: '0+', default: null }),
  },
);
export type ConsumerProtocolAssignment = Infer<typeof ConsumerProtocolAssignment>;
