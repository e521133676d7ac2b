/** Who may do what. Every route names an operation and a kind of resource; the handlers ask once per named resource. */

export type AclOperation =
  | 'read'
  | 'write'
  | 'create'
  | 'delete'
  | 'alter'
  | 'describe'
  | 'cluster-action'
  | 'describe-configs'
  | 'alter-configs'
  | 'idempotent-write';

export type AclResource = 'topic' | 'group' | 'cluster' | 'transactional-id';

/** The name of the only resource of kind `cluster`. */
export const CLUSTER_RESOURCE_NAME = 'kafka-cluster';

export interface Authorizer {
  /** @param principal who asks, `User:name` @param host the address of the client */
  allows(principal: string, host: string, operation: AclOperation, resource: AclResource, name: string): boolean;
}

/** Everybody may do everything: what a broker without access control lists does. */
export const allowEveryone: Authorizer = { allows: () => true };

/** The principal of a connection without authentication. */
export const ANONYMOUS = 'User:ANONYMOUS';
