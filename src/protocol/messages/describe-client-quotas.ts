/** DescribeClientQuotas (KIP-546). */
import { array, bool, float64, type Infer, int8, int16, int32, message, string } from '../schema.ts';

export const DescribeClientQuotasRequest = message(
  'DescribeClientQuotasRequest',
  { apiKey: 48, type: 'request', versions: '0-1', flexibleVersions: '1+' },
  {
    components: array({ entityType: string(), matchType: int8(), match: string({ nullable: '0+' }) }),
    strict: bool(),
  },
);
export type DescribeClientQuotasRequest = Infer<typeof DescribeClientQuotasRequest>;

export const DescribeClientQuotasResponse = message(
  'DescribeClientQuotasResponse',
  { apiKey: 48, type: 'response', versions: '0-1', flexibleVersions: '1+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    entries: array(
      {
        entity: array({ entityType: string(), entityName: string({ nullable: '0+' }) }),
        values: array({ key: string(), value: float64() }),
      },
      { nullable: '0+' },
    ),
  },
);
export type DescribeClientQuotasResponse = Infer<typeof DescribeClientQuotasResponse>;
