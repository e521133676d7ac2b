/**
 * Client quotas as the metadata log tells them: for an entity (a user, a client id, both together, or an address), limits by key. A name
 * of null stands for whoever has no quota of its own. Pure. @see KIP-546
 */
import type { ClientQuotaRecord } from '#protocol';

export const USER = 'user';
export const CLIENT_ID = 'client-id';
export const IP = 'ip';
export const QUOTA_ENTITY_TYPES: readonly string[] = [USER, CLIENT_ID, IP];

export interface QuotaEntityPart {
  /** `user`, `client-id` or `ip`; records of others are kept as they are. */
  readonly entityType: string;
  /** null: the default. */
  readonly entityName: string | null;
}

export interface ClientQuotaImage {
  /** Sorted by type. */
  readonly entity: readonly QuotaEntityPart[];
  readonly values: ReadonlyMap<string, number>;
}

export class ClientQuotasImage {
  readonly #quotas = new Map<string, ClientQuotaImage & { readonly values: Map<string, number> }>();

  /** In the order in which the entities got their first quota. */
  all(): Iterable<ClientQuotaImage> {
    return this.#quotas.values();
  }

  get size(): number {
    return this.#quotas.size;
  }

  of(entity: readonly QuotaEntityPart[]): ClientQuotaImage | undefined {
    return this.#quotas.get(entityKey(entity));
  }

  apply({ entity, key, value, remove }: ClientQuotaRecord): void {
    const name = entityKey(entity);
    let quota = this.#quotas.get(name);
    if (remove) {
      quota?.values.delete(key);
      if (quota?.values.size === 0) this.#quotas.delete(name);
      return;
    }
    if (quota === undefined) this.#quotas.set(name, (quota = { entity: sorted(entity), values: new Map() }));
    quota.values.set(key, value);
  }

  /** What a snapshot says of them. */
  *records(): Iterable<ClientQuotaRecord> {
    for (const { entity, values } of this.#quotas.values()) {
      for (const [key, value] of values) yield { entity: [...entity], key, value, remove: false };
    }
  }
}

/** The same text for the same entity, however its parts are ordered. */
export function entityKey(entity: readonly QuotaEntityPart[]): string {
  return JSON.stringify(sorted(entity).map(({ entityType, entityName }) => [entityType, entityName]));
}

function sorted(entity: readonly QuotaEntityPart[]): QuotaEntityPart[] {
  return [...entity].sort((a, b) => (a.entityType < b.entityType ? -1 : 1));
}
