/** DescribeLogDirs (KIP-113). v4 total and usable bytes (KIP-827), v5 cordoned folders. */
import { array, bool, type Infer, int16, int32, int64, message, string } from '../schema.ts';

export const DescribeLogDirsRequest = message(
  'DescribeLogDirsRequest',
  { apiKey: 35, type: 'request', versions: '1-5', flexibleVersions: '2+' },
  { topics: array({ topic: string(), partitions: array(int32()) }, { nullable: '0+' }) },
);
export type DescribeLogDirsRequest = Infer<typeof DescribeLogDirsRequest>;

export const DescribeLogDirsResponse = message(
  'DescribeLogDirsResponse',
  { apiKey: 35, type: 'response', versions: '1-5', flexibleVersions: '2+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ versions: '3+', ignorable: true }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({ partitionIndex: int32(), partitionSize: int64(), offsetLag: int64(), isFutureKey: bool() }),
      }),
      totalBytes: int64({ versions: '4+', default: -1, ignorable: true }),
      usableBytes: int64({ versions: '4+', default: -1, ignorable: true }),
      isCordoned: bool({ versions: '5+', ignorable: true }),
    }),
  },
);
export type DescribeLogDirsResponse = Infer<typeof DescribeLogDirsResponse>;
