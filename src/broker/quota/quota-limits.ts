/**
 * The limits of one quota, and whose limit counts for a user and a client id. The first of these that is set:
 *
 *     user and client id · user and any client id · user · any user and client id · any user and any client id · any user ·
 *     client id · any client id
 *
 * A limit of a user (or of any) is shared by all client ids of a user; one of a client id by all users; one of both by nobody.
 * A client without an id has no limit but its user's.
 */

/** The name of an entity that was set for whoever has none. */
const ANY = null;
/** The entity has no such part. */
const NONE = undefined;

type Name = string | null | undefined;

/** Who shares the limit. */
export type Sharing = 'nobody' | 'user' | 'client-id';

export class QuotaLimits {
  /** By user, then client id. */
  readonly #limits = new Map<Name, Map<Name, number>>();
  /** Who shares the limit that `find` found last. */
  sharing: Sharing = 'nobody';

  get isEmpty(): boolean {
    return this.#limits.size === 0;
  }

  /** Null names are the defaults; without a limit it is removed. */
  set(user: Name, clientId: Name, limit: number | undefined): void {
    let ofUser = this.#limits.get(user);
    if (limit === undefined) {
      ofUser?.delete(clientId);
      if (ofUser?.size === 0) this.#limits.delete(user);
      return;
    }
    if (ofUser === undefined) this.#limits.set(user, (ofUser = new Map()));
    ofUser.set(clientId, limit);
  }

  /** Undefined without a limit; `sharing` says who else has it. */
  find(user: string, clientId: string): number | undefined {
    return this.#ofUser(user, clientId) ?? this.#ofUser(ANY, clientId) ?? this.#ofClient(clientId);
  }

  #ofUser(name: Name, clientId: string): number | undefined {
    const limits = this.#limits.get(name);
    if (limits === undefined) return undefined;
    const ofBoth = clientId === '' ? undefined : (limits.get(clientId) ?? limits.get(ANY));
    this.sharing = ofBoth === undefined ? 'user' : 'nobody';
    return ofBoth ?? limits.get(NONE);
  }

  #ofClient(clientId: string): number | undefined {
    if (clientId === '') return undefined;
    const limits = this.#limits.get(NONE);
    this.sharing = 'client-id';
    return limits?.get(clientId) ?? limits?.get(ANY);
  }
}
