/**
 * AlterClientQuotas: all changes of an entity are written, or none. What may be limited depends on the entity: users and client ids have
 * rates of bytes, of processing time and of changes to the cluster, addresses one of new connections. Pure. @see KIP-546, KIP-599, KIP-612
 */
import { ipAddressOf } from '#core';
import { Errors } from '#protocol';
import {
  CLIENT_ID,
  type ClientQuotaImage,
  entityKey,
  IP,
  QUOTA_ENTITY_TYPES,
  type QuotaEntityPart,
  USER,
} from './client-quotas-image.ts';
import type { Decision } from './decision.ts';
import type { AlterClientQuotasEvent, QuotaResult } from './events.ts';
import type { MetadataImage } from './metadata-image.ts';
import type { MetadataRecord } from './metadata-record.ts';
import { type Refusal, refuse } from './refusal.ts';

/** Kafka's limit for one request. */
const RECORDS_PER_REQUEST_MAX = 10_000;

/** The largest value, and whether fractions are allowed. */
interface Limit {
  readonly max: number;
  readonly isWhole: boolean;
}

const LONG: Limit = { max: 2 ** 63, isWhole: true };
const INT: Limit = { max: 2 ** 31 - 1, isWhole: true };
const DOUBLE: Limit = { max: Number.MAX_VALUE, isWhole: false };

const CLIENT_KEYS: ReadonlyMap<string, Limit> = new Map([
  ['producer_byte_rate', LONG],
  ['consumer_byte_rate', LONG],
  ['request_percentage', DOUBLE],
  ['controller_mutation_rate', DOUBLE],
]);
const IP_KEYS: ReadonlyMap<string, Limit> = new Map([['connection_creation_rate', INT]]);

type Alteration = AlterClientQuotasEvent['entries'][number];

export function alterClientQuotas(image: MetadataImage, event: AlterClientQuotasEvent): Decision {
  const counts = new Map<string, number>();
  for (const { entity } of event.entries) counts.set(entityKey(entity), (counts.get(entityKey(entity)) ?? 0) + 1);
  const records: MetadataRecord[] = [];
  const body = event.entries.map((alteration): QuotaResult => {
    const { entity } = alteration;
    const refusal =
      counts.get(entityKey(entity)) === 1
        ? refusalOf(alteration)
        : refuse(Errors.INVALID_REQUEST, `The request names ${textOf(entity)} more than once.`);
    if (refusal !== undefined) return { entity, ...refusal };
    for (const record of changes(image.clientQuotas.of(entity), alteration)) records.push(record);
    return { entity, error: Errors.NONE, errorMessage: null };
  });
  if (records.length > RECORDS_PER_REQUEST_MAX) return tooMany(event);
  return { records: event.validateOnly ? [] : records, body };
}

function tooMany({ entries }: AlterClientQuotasEvent): Decision {
  const text = `One request may change ${RECORDS_PER_REQUEST_MAX} quotas at most.`;
  const body = entries.map(({ entity }): QuotaResult => ({ entity, ...refuse(Errors.POLICY_VIOLATION, text) }));
  return { records: [], body };
}

function refusalOf({ entity, ops }: Alteration): Refusal | undefined {
  const invalid = (text: string) => refuse(Errors.INVALID_REQUEST, text);
  const problem = entityProblem(entity);
  if (problem !== undefined) return invalid(problem);
  const limits = entity[0].entityType === IP ? IP_KEYS : CLIENT_KEYS;
  const seen = new Set<string>();
  for (const { key, value, remove } of ops) {
    if (seen.has(key)) return invalid(`The quota '${key}' of ${textOf(entity)} stands more than once in the request.`);
    seen.add(key);
    const wrong = remove ? undefined : valueProblem(limits, key, value);
    if (wrong !== undefined) return invalid(wrong);
  }
  return undefined;
}

function entityProblem(entity: readonly QuotaEntityPart[]): string | undefined {
  if (entity.length === 0) return 'A quota needs an entity: a user, a client-id, both, or an ip.';
  for (const { entityType, entityName } of entity) {
    if (!QUOTA_ENTITY_TYPES.includes(entityType)) {
      return `Quotas have no entity type '${entityType}'; there are ${USER}, ${CLIENT_ID} and ${IP}.`;
    }
    if (entityName === '') return `The name of the ${entityType} is empty; the default is named by null.`;
  }
  const types = new Set(entity.map(({ entityType }) => entityType));
  if (types.size < entity.length) return `The entity ${textOf(entity)} has two parts of one type.`;
  const ip = entity.find(({ entityType }) => entityType === IP);
  if (ip === undefined) return undefined;
  if (entity.length > 1) return `An ${IP} cannot be combined with a ${USER} or a ${CLIENT_ID}.`;
  if (ip.entityName === null || ipAddressOf(ip.entityName) !== undefined) return undefined;
  return `'${ip.entityName}' is no IP address; names of hosts are not looked up.`;
}

function valueProblem(limits: ReadonlyMap<string, Limit>, key: string, value: number): string | undefined {
  const limit = limits.get(key);
  if (limit === undefined) return `Such an entity has no quota '${key}'; there are ${[...limits.keys()].join(', ')}.`;
  if (!(value > 0)) return `${key}: ${value} is not allowed; a quota is greater than 0.`;
  if (value > limit.max) return `${key}: ${value} is not allowed; the largest is ${limit.max}.`;
  if (limit.isWhole && value % 1 > 1e-6) return `${key}: ${value} is not allowed; it is a whole number.`;
  return undefined;
}

/** What is as it was makes no record. */
function changes(current: ClientQuotaImage | undefined, { entity, ops }: Alteration): MetadataRecord[] {
  return ops
    .filter(({ key, value, remove }) => current?.values.get(key) !== (remove ? undefined : value))
    .map(({ key, value, remove }) => ({
      type: 'ClientQuotaRecord',
      body: { entity: [...entity], key, value: remove ? 0 : value, remove },
    }));
}

function textOf(entity: readonly QuotaEntityPart[]): string {
  return entity.map(({ entityType, entityName }) => `${entityType} ${entityName ?? '<default>'}`).join(', ');
}
