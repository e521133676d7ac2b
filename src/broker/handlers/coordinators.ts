/** FindCoordinator (10): the first question of consumers in groups and of producers with transactions. */
import {
  type Draft,
  Errors,
  errorByCode,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
  type KafkaErrorRow,
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import { visibleBrokers } from './endpoints.ts';

const GROUP = 0;
const TRANSACTION = 1;
const SHARE = 2;

type Response = Draft<typeof FindCoordinatorResponse>;
type Coordinator = NonNullable<Response['coordinators']>[number];

export async function findCoordinator(
  broker: BrokerParts,
  context: RequestContext,
  request: FindCoordinatorRequest,
): Promise<Response> {
  const isBatch = context.version >= 4;
  const keys = isBatch ? request.coordinatorKeys : [request.key];
  const coordinators = await Promise.all(keys.map((key) => find(broker, context, request.keyType, key)));
  if (isBatch) return { coordinators };
  const { errorCode = Errors.NONE.code, nodeId, host, port } = coordinators[0];
  const errorMessage = errorCode === Errors.NONE.code ? 'NONE' : errorByCode(errorCode).message;
  return { errorCode, errorMessage, nodeId, host, port };
}

async function find(broker: BrokerParts, context: RequestContext, keyType: number, key: string): Promise<Coordinator> {
  const refusal = refuse(context, keyType, key);
  if (refusal !== undefined) return refusal;
  const isGroup = keyType === GROUP;
  const name = isGroup ? GROUP_METADATA_TOPIC : TRANSACTION_STATE_TOPIC;
  const error = await broker.topics.ensure(name);
  if (error !== Errors.NONE) return refused(key, Errors.COORDINATOR_NOT_AVAILABLE);
  const partition = (isGroup ? broker.groups : broker.transactions).partitionOf(key);
  const leader = broker.metadata.image.topics.get(name)?.partitions[partition]?.leader;
  const node = visibleBrokers(broker, context.listenerName).find(({ nodeId }) => nodeId === leader);
  if (node === undefined) return refused(key, Errors.COORDINATOR_NOT_AVAILABLE);
  const { nodeId, host, port } = node;
  return { key, nodeId, host, port, errorCode: Errors.NONE.code };
}

function refuse(context: RequestContext, keyType: number, key: string): Coordinator | undefined {
  if (keyType === TRANSACTION) {
    const isAllowed = context.may('describe', 'transactional-id', key);
    return isAllowed ? undefined : refused(key, Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  }
  if (keyType === SHARE) return refused(key, Errors.INVALID_REQUEST);
  if (keyType !== GROUP)
    return refused(key, Errors.INVALID_REQUEST, `Coordinators of type ${keyType} are not served here.`);
  return context.allows(key) ? undefined : refused(key, Errors.GROUP_AUTHORIZATION_FAILED);
}

function refused(key: string, error: KafkaErrorRow, message = ''): Coordinator {
  return { key, nodeId: -1, host: '', port: -1, errorCode: error.code, errorMessage: message };
}
