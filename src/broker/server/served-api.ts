/** An API that is served: its versions and the right that it takes; and what clients are told of it in ApiVersions. @see KIP-35, KIP-511 */
import { type Api, type ApiVersionsResponse, type Draft, Errors } from '#protocol';
import type { AclOperation, AclResource } from '../authorizer.ts';

export interface ServedApi {
  readonly api: Api;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** The lowest version that ApiVersions tells, where that differs from what is answered. */
  readonly advertisedMinVersion: number;
  readonly operation: AclOperation;
  readonly resource: AclResource;
}

export function advertise({ api, advertisedMinVersion, maxVersion }: ServedApi) {
  return { apiKey: api.key, minVersion: advertisedMinVersion, maxVersion };
}

/** The answer, in the layout of version 0, to a version that we do not know: the client then asks again in one of ours. */
export function unsupportedApiVersions(served: ServedApi): Draft<typeof ApiVersionsResponse> {
  return { errorCode: Errors.UNSUPPORTED_VERSION.code, apiKeys: [advertise(served)] };
}
