/** A classic group in __consumer_offsets, key type 2. Kafka writes value v3. */
import { array, bytes, type Infer, int32, int64, message, string, structType } from '../schema.ts';

export const GroupMetadataKey = message(
  'GroupMetadataKey',
  { apiKey: 2, type: 'coordinator-key', versions: '0', flexibleVersions: 'none' },
  { group: string() },
);
export type GroupMetadataKey = Infer<typeof GroupMetadataKey>;

const memberMetadata = structType({
  memberId: string(),
  groupInstanceId: string({ versions: '3+', nullable: '3+', default: null, ignorable: true }),
  clientId: string(),
  clientHost: string(),
  rebalanceTimeout: int32({ versions: '1+', default: -1, ignorable: true }),
  sessionTimeout: int32(),
  subscription: bytes(),
  assignment: bytes(),
});

export const GroupMetadataValue = message(
  'GroupMetadataValue',
  { apiKey: 2, type: 'coordinator-value', versions: '0-4', flexibleVersions: '4+' },
  {
    protocolType: string(),
    generation: int32(),
    protocol: string({ nullable: '0+' }),
    leader: string({ nullable: '0+' }),
    currentStateTimestamp: int64({ versions: '2+', default: -1, ignorable: true }),
    members: array(memberMetadata),
  },
);
export type GroupMetadataValue = Infer<typeof GroupMetadataValue>;
