/**
 * Records of the cluster that nothing here acts upon (access control, SCRAM users, delegation tokens, controllers): kept as they are, so
 * that a snapshot has them for the Apache Kafka that takes the folder over. Pure.
 */
import type { MetadataRecord, MetadataRecordType } from './metadata-record.ts';

interface Place {
  readonly type: MetadataRecordType;
  /** Two records of a type with one id are the same thing, and the later one counts. */
  readonly id: string;
  readonly isRemoval: boolean;
}

export class KeptRecords {
  readonly #byType = new Map<MetadataRecordType, Map<string, MetadataRecord>>();

  /** Records of types that are not kept are passed over. */
  apply(record: MetadataRecord): void {
    const place = placeOf(record);
    if (place === undefined) return;
    let records = this.#byType.get(place.type);
    if (records === undefined) this.#byType.set(place.type, (records = new Map()));
    if (place.isRemoval) records.delete(place.id);
    else records.set(place.id, record);
  }

  of<T extends MetadataRecordType>(type: T): Extract<MetadataRecord, { type: T }>[] {
    return [...(this.#byType.get(type)?.values() ?? [])] as Extract<MetadataRecord, { type: T }>[];
  }

  *[Symbol.iterator](): Iterator<MetadataRecord> {
    for (const records of this.#byType.values()) yield* records.values();
  }
}

function placeOf({ type, body }: MetadataRecord): Place | undefined {
  switch (type) {
    case 'AccessControlEntryRecord':
      return kept(type, body.id);
    case 'RemoveAccessControlEntryRecord':
      return removed('AccessControlEntryRecord', body.id);
    case 'UserScramCredentialRecord':
      return kept(type, `${body.mechanism} ${body.name}`);
    case 'RemoveUserScramCredentialRecord':
      return removed('UserScramCredentialRecord', `${body.mechanism} ${body.name}`);
    case 'DelegationTokenRecord':
      return kept(type, body.tokenId);
    case 'RemoveDelegationTokenRecord':
      return removed('DelegationTokenRecord', body.tokenId);
    case 'RegisterControllerRecord':
      return kept(type, String(body.controllerId));
    case 'UnregisterControllerRecord':
      return removed('RegisterControllerRecord', String(body.controllerId));
    case 'ZkMigrationStateRecord':
      return kept(type, '');
    default:
      return undefined;
  }
}

function kept(type: MetadataRecordType, id: string): Place {
  return { type, id, isRemoval: false };
}

function removed(type: MetadataRecordType, id: string): Place {
  return { type, id, isRemoval: true };
}
