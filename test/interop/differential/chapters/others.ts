/** Every API that no other chapter asks: requests made from the schema alone, one element in each list. */
import { type Api, Apis, type DescribeLogDirsResponse } from '#protocol';
import type { FieldSchema } from '../../../../src/protocol/schema.ts';
import type { Fields, Value } from '../loose-encoder.ts';
import type { Lattice } from '../variants.ts';
import { acls } from './acls.ts';
import type { Chapter } from './chapter.ts';
import { configs } from './configs.ts';
import { consumerGroups } from './consumer-groups.ts';
import { data } from './data.ts';
import { groups } from './groups.ts';
import { metadata } from './metadata.ts';
import { createTopics, producerId, step } from './steps.ts';
import { topics } from './topics.ts';
import { transactions } from './transactions.ts';

/** A fenced broker, or one that is taken for a replica of the quorum, would end the run. */
const HARMFUL = ['UnregisterBroker', 'AddRaftVoter', 'RemoveRaftVoter'];
const asked = new Set<Api>(
  [metadata, data, topics, configs, groups, consumerGroups, transactions, acls].flatMap(({ lattices }) =>
    lattices.map(({ api }) => api),
  ),
);

const NAMES: Readonly<Record<string, Value>> = {
  topic: 'listed',
  topicName: 'listed',
  name: 'listed',
  topicId: '@id:listed',
  groupId: '@group',
  transactionalId: 'a-transaction',
  producerId: '@other-pid',
};

function plainLattice(api: Api): Lattice {
  return { api, base: plainFields(api.request.fields), values: { producerId: ['@other-pid'] } };
}

function plainFields(fields: readonly FieldSchema[]): Fields {
  return Object.fromEntries(
    fields.filter(({ tag }) => tag === undefined).map((field) => [field.name, plainValue(field)]),
  );
}

function plainValue({ name, type, default: given }: FieldSchema): Value {
  if (type.kind === 'array') {
    if (type.element.kind === 'struct') return [plainFields(type.element.fields)];
    return type.element.kind === 'string' ? [NAMES[name] ?? 'nobody'] : type.element.kind === 'uuid' ? [] : [0];
  }
  if (type.kind === 'struct') return plainFields(type.fields);
  if (name in NAMES && given !== null) return NAMES[name];
  return type.kind === 'bytes' || type.kind === 'records' ? Buffer.alloc(0) : (given ?? null);
}

export const others: Chapter = {
  name: 'others',
  scenery: [
    ...createTopics({ listed: { partitions: 2 } }),
    step(
      'its logs are there',
      Apis.DescribeLogDirs,
      1,
      { topics: [{ topic: 'listed', partitions: [0, 1] }] },
      {
        isSettled: ({ results }: DescribeLogDirsResponse) => results[0].topics[0]?.partitions.length === 2,
        isOnlyAsked: true,
      },
    ),
    producerId('@other-pid'),
  ],
  lattices: Object.values<Api>(Apis)
    .filter((api) => !asked.has(api) && !HARMFUL.includes(api.name))
    .map(plainLattice),
};
