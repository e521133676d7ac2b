/** DescribeProducers: what partition leaders remember of producers, to find transactions that hang (KIP-664). */
import { array, type Infer, int16, int32, int64, message, string } from '../schema.ts';

export const DescribeProducersRequest = message(
  'DescribeProducersRequest',
  { apiKey: 61, type: 'request', versions: '0', flexibleVersions: '0+' },
  { topics: array({ name: string(), partitionIndexes: array(int32()) }) },
);
export type DescribeProducersRequest = Infer<typeof DescribeProducersRequest>;

