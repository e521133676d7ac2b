/** AlterReplicaLogDirs (KIP-113): in which log directory replicas shall lie. */
import { array, type Infer, int16, int32, message, string } from '../schema.ts';

export const AlterReplicaLogDirsRequest = message(
  'AlterReplicaLogDirsRequest',
  { apiKey: 34, type: 'request', versions: '1-2', flexibleVersions: '2+' },
  { dirs: array({ path: string(), topics: array({ name: string(), partitions: array(int32()) }) }) },
);
export type AlterReplicaLogDirsRequest = Infer<typeof AlterReplicaLogDirsRequest>;

export const AlterReplicaLogDirsResponse = message(
  'AlterReplicaLogDirsResponse',
  { apiKey: 34, type: 'response', versions: '1-2', flexibleVersions: '2+' },
  {
    throttleTimeMs: int32(),
    results: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
);
export type AlterReplicaLogDirsResponse = Infer<typeof AlterReplicaLogDirsResponse>;
