/**
 * What a client may do to a resource, as DescribeCluster, Metadata and others tell it on demand: bit n stands for the operation with code
 * n of Kafka's access control. @see KIP-430
 */
import type { AclOperation, AclResource } from '../authorizer.ts';
import type { RequestContext } from './request-context.ts';

const CODES: Readonly<Record<AclOperation, number>> = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  'cluster-action': 9,
  'describe-configs': 10,
  'alter-configs': 11,
  'idempotent-write': 12,
};

const OPERATIONS: Readonly<Record<'cluster' | 'topic' | 'group', readonly AclOperation[]>> = {
  cluster: ['create', 'alter', 'describe', 'cluster-action', 'describe-configs', 'alter-configs', 'idempotent-write'],
  topic: ['read', 'write', 'create', 'delete', 'alter', 'describe', 'describe-configs', 'alter-configs'],
  group: ['read', 'delete', 'describe', 'describe-configs', 'alter-configs'],
};

export function authorizedOperations(
  context: RequestContext,
  resource: AclResource & keyof typeof OPERATIONS,
  name: string,
): number {
  const allowed = OPERATIONS[resource].filter((operation) => context.mayDo(operation, resource, name));
  return allowed.reduce((bits, operation) => bits | (1 << CODES[operation]), 0);
}
