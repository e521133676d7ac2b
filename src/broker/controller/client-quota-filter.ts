/** Which quotas DescribeClientQuotas asks for. Pure. @see KIP-546 */
import { Errors } from '#protocol';
import { type ClientQuotaImage, IP, QUOTA_ENTITY_TYPES } from './client-quotas-image.ts';
import { type Refusal, refuse } from './refusal.ts';

/** As on the wire. */
const EXACT = 0;
const DEFAULT = 1;
const ANY = 2;

export interface QuotaFilterPart {
  readonly entityType: string;
  /** 0 the name in `match`, 1 the default, 2 whatever it is named. */
  readonly matchType: number;
  readonly match: string | null;
}

export interface QuotaFilter {
  matches(quota: ClientQuotaImage): boolean;
}

/** Quotas whose entity has all the parts asked for, and with `isStrict` no others. */
export function quotaFilter(parts: readonly QuotaFilterPart[], isStrict: boolean): QuotaFilter | Refusal {
  const seen = new Set<string>();
  for (const part of parts) {
    const { entityType } = part;
    const refusal = refusalOf(part, seen);
    if (refusal !== undefined) return refusal;
    seen.add(entityType);
  }
  if (seen.has(IP) && seen.size > 1) return refuse(Errors.INVALID_REQUEST, `A filter for ${IP} cannot name others.`);
  return {
    matches: ({ entity }) =>
      (!isStrict || entity.length === parts.length) &&
      parts.every(({ entityType, matchType, match }) =>
        entity.some((part) => part.entityType === entityType && (matchType === ANY || part.entityName === match)),
      ),
  };
}

function refusalOf({ entityType, matchType, match }: QuotaFilterPart, seen: ReadonlySet<string>): Refusal | undefined {
  const invalid = (text: string) => refuse(Errors.INVALID_REQUEST, text);
  if (entityType === '') return invalid('A part of the filter has an empty entity type.');
  if (seen.has(entityType)) return invalid(`The filter names the entity type '${entityType}' more than once.`);
  if (!QUOTA_ENTITY_TYPES.includes(entityType))
    return refuse(Errors.UNSUPPORTED_VERSION, `Quotas have no entity type '${entityType}'.`);
  if (matchType === EXACT && match === null) return invalid(`An exact match of ${entityType} needs a name.`);
  if ((matchType === DEFAULT || matchType === ANY) && match !== null)
    return invalid(`Match type ${matchType} of ${entityType} takes no name, and '${match}' is given.`);
  if (matchType < EXACT || matchType > ANY) return invalid(`There is no match type ${matchType}.`);
  return undefined;
}
