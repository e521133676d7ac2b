/** FindCoordinator (10) and InitProducerId (22): the first questions of consumers in groups and of producers. */
import {
  type Draft,
  Errors,
  errorByCode,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  type KafkaErrorRow,
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import { GROUP_METADATA_TOPIC } from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import { visibleBrokers } from './endpoints.ts';

const GROUP = 0;
const TRANSACTION = 1;
const SHARE = 2;

const NO_TRANSACTIONS = 'This broker does not serve transactions yet. Use a producer without transactional.id.';

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
  if (keyType === TRANSACTION) return refused(key, Errors.INVALID_REQUEST, NO_TRANSACTIONS);
  if (keyType === SHARE) return refused(key, Errors.INVALID_REQUEST);
  if (keyType !== GROUP)
    return refused(key, Errors.INVALID_REQUEST, `Coordinators of type ${keyType} are not served here.`);
  if (!context.allows(key)) return refused(key, Errors.GROUP_AUTHORIZATION_FAILED);
  const error = await broker.topics.ensure(GROUP_METADATA_TOPIC);
  if (error !== Errors.NONE) return refused(key, Errors.COORDINATOR_NOT_AVAILABLE);
  const topic = broker.metadata.image.topics.get(GROUP_METADATA_TOPIC);
  const leader = topic?.partitions[broker.groups.partitionOf(key)]?.leader;
  const node = visibleBrokers(broker, context.listenerName).find(({ nodeId }) => nodeId === leader);
  if (node === undefined) return refused(key, Errors.COORDINATOR_NOT_AVAILABLE);
  const { nodeId, host, port } = node;
  return { key, nodeId, host, port, errorCode: Errors.NONE.code };
}

function refused(key: string, error: KafkaErrorRow, message = ''): Coordinator {
  return { key, nodeId: -1, host: '', port: -1, errorCode: error.code, errorMessage: message };
}

/**
 * Producer ids for idempotence. Every call gives a fresh id with epoch 0, also when the client names the one it has (KIP-360): without
 * transactions nobody remembers it, so a new one is as good and never collides. A transactional id is refused with the code that clients
 * take for final; its coordinator could not be found before (see above).
 */
export async function initProducerId(
  broker: BrokerParts,
  _context: RequestContext,
  request: InitProducerIdRequest,
): Promise<Draft<typeof InitProducerIdResponse>> {
  if (request.transactionalId !== null) {
    return { errorCode: Errors.INVALID_REQUEST.code, producerId: -1, producerEpoch: -1 };
  }
  const { error, producerId } = await broker.producerIds.take();
  if (error !== Errors.NONE)
    return { errorCode: Errors.COORDINATOR_LOAD_IN_PROGRESS.code, producerId: -1, producerEpoch: -1 };
  return { errorCode: Errors.NONE.code, producerId, producerEpoch: 0 };
}
