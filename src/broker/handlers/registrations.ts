/** UnregisterBroker (64), DescribeUserScramCredentials (50): who is known to the cluster besides topics. */
import { shortened } from '#core';
import {
  type DescribeUserScramCredentialsRequest,
  type DescribeUserScramCredentialsResponse,
  type Draft,
  Errors,
  type KafkaErrorRow,
  type UnregisterBrokerRequest,
  type UnregisterBrokerResponse,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import type { RequestContext } from '../server/request-context.ts';

type ScramResponse = Draft<typeof DescribeUserScramCredentialsResponse>;
type ScramResult = NonNullable<ScramResponse['results']>[number];

export async function unregisterBroker(
  broker: BrokerParts,
  context: RequestContext,
  { brokerId }: UnregisterBrokerRequest,
): Promise<Draft<typeof UnregisterBrokerResponse>> {
  const answer = (error: KafkaErrorRow, message: string | null = null) => ({
    errorCode: error.code,
    errorMessage: error === Errors.NONE ? null : (message ?? error.message),
  });
  if (!context.allows(CLUSTER_RESOURCE_NAME)) return answer(Errors.CLUSTER_AUTHORIZATION_FAILED);
  const { error, body } = await broker.metadata.ask<{ error: KafkaErrorRow; errorMessage: string | null }>((token) => ({
    type: 'unregister-broker',
    token,
    brokerId,
    servingBrokerId: broker.settings.nodeId,
  }));
  return body === undefined ? answer(error) : answer(body.error, body.errorMessage);
}

/** Users that an Apache Kafka left in the folder are shown; nobody can log in by them here. */
export function describeUserScramCredentials(
  { metadata: { image } }: BrokerParts,
  context: RequestContext,
  { users }: DescribeUserScramCredentialsRequest,
): ScramResponse {
  if (!context.allows(CLUSTER_RESOURCE_NAME)) {
    const error = Errors.CLUSTER_AUTHORIZATION_FAILED;
    return { errorCode: error.code, errorMessage: error.message };
  }
  const credentials = new Map<string, { mechanism: number; iterations: number }[]>();
  for (const { body } of image.kept.of('UserScramCredentialRecord')) {
    const { name, mechanism, iterations } = body;
    credentials.set(name, [...(credentials.get(name) ?? []), { mechanism, iterations }]);
  }
  const names = users === null || users.length === 0 ? [...credentials.keys()] : users.map(({ name }) => name);
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const results = [...counts].map(([user, count]): ScramResult => {
    if (count > 1) return failed(user, Errors.DUPLICATE_RESOURCE, `The request names the user ${user} more than once.`);
    const credentialInfos = credentials.get(user);
    if (credentialInfos === undefined)
      return failed(user, Errors.RESOURCE_NOT_FOUND, `There are no SCRAM credentials of the user ${user}.`);
    return { user, errorMessage: null, credentialInfos };
  });
  return { results };
}

function failed(user: string, error: KafkaErrorRow, errorMessage: string): ScramResult {
  return { user, errorCode: error.code, errorMessage: shortened(errorMessage) };
}
