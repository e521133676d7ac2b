/** OffsetDelete (47): the coordinator is asked about partitions that there are; of the others the answer says so. @see KIP-496 */
import { type Draft, Errors, type OffsetDeleteRequest, type OffsetDeleteResponse } from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import type { LATER, RequestContext } from '../server/request-context.ts';
import { askedOnce } from './asked-once.ts';
import { ask } from './groups.ts';

export function offsetDelete(broker: BrokerParts, context: RequestContext, request: OffsetDeleteRequest): typeof LATER {
  const { topics } = broker.metadata.image;
  const plans = [...askedOnce(request.topics)].map(([name, partitions]) => {
    const isThere = (index: number) => topics.get(name)?.partitions[index] !== undefined;
    const known = [...partitions.values()].filter(({ partitionIndex }) => isThere(partitionIndex));
    return { name, known, unknown: [...partitions.keys()].filter((index) => !isThere(index)) };
  });
  for (const { name, partitions } of request.topics)
    if (partitions.length === 0 && !topics.has(name)) plans.push({ name, known: [], unknown: [] });
  const known = plans.filter((plan) => plan.known.length > 0);
  const asked = { ...request, topics: known.map(({ name, known: partitions }) => ({ name, partitions })) };
  return ask(
    broker,
    context,
    request.groupId,
    {},
    (token) => ({ type: 'offset-delete', token, apiVersion: context.version, request: asked }),
    (body) => withUnknown(body, plans),
  );
}

interface DeletionPlan {
  readonly name: string;
  readonly unknown: readonly number[];
}

/** The coordinator's answer with the partitions that there are not, unless all of it is refused. */
function withUnknown(body: Draft<typeof OffsetDeleteResponse>, plans: readonly DeletionPlan[]): object {
  if (body.errorCode !== Errors.NONE.code) return body;
  const { code: errorCode } = Errors.UNKNOWN_TOPIC_OR_PARTITION;
  const topics = plans.map(({ name, unknown }) => {
    const answered = body.topics?.find((topic) => topic.name === name)?.partitions ?? [];
    return { name, partitions: [...answered, ...unknown.map((partitionIndex) => ({ partitionIndex, errorCode }))] };
  });
  return { ...body, topics };
}
