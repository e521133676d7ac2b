/** AlterClientQuotas (KIP-546). */
import { array, bool, float64, type Infer, int16, int32, message, string, structType } from '../schema.ts';

const Entity = structType({ entityType: string(), entityName: string({ nullable: '0+' }) });

export const AlterClientQuotasRequest = message(
  'AlterClientQuotasRequest',
  { apiKey: 49, type: 'request', versions: '0-1', flexibleVersions: '1+' },
  {
    entries: array({
      entity: array(Entity),
      ops: array({ key: string(), value: float64(), remove: bool() }),
    }),
    validateOnly: bool(),
  },
);
export type AlterClientQuotasRequest = Infer<typeof AlterClientQuotasRequest>;

export const AlterClientQuotasResponse = message(
  'AlterClientQuotasResponse',
  { apiKey: 49, type: 'response', versions: '0-1', flexibleVersions: '1+' },
  {
    throttleTimeMs: int32(),
    entries: array({ errorCode: int16(), errorMessage: string({ nullable: '0+' }), entity: array(Entity) }),
  },
);
export type AlterClientQuotasResponse = Infer<typeof AlterClientQuotasResponse>;
