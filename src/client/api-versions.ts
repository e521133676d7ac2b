/**
 * ◇ Which version of a request both sides understand. @see KIP-35, KIP-511
 */
import { KafkaError } from '#core';
import { type Api, type ApiVersionsResponse, Errors } from '#protocol';

/** What one broker serves, by API key. */
export type ServedVersions = ReadonlyMap<number, { readonly min: number; readonly max: number }>;

/** Reads a reply of ApiVersions. */
export function servedVersions(response: ApiVersionsResponse): ServedVersions {
  return new Map(response.apiKeys.map((row) => [row.apiKey, { min: row.minVersion, max: row.maxVersion }]));
}

/** The highest version that both sides know, or undefined. `versionMax` lowers our own side. */
export function commonVersion(served: ServedVersions, api: Api, versionMax = api.maxVersion): number | undefined {
  const range = served.get(api.key);
  if (range === undefined) return undefined;
  const version = Math.min(range.max, api.maxVersion, versionMax);
  return version >= Math.max(range.min, api.minVersion) ? version : undefined;
}

/** The error of a request that the broker at `address` cannot be sent. */
export function unsupportedVersion(served: ServedVersions, api: Api, address: string): KafkaError {
  const range = served.get(api.key);
  const theirs = range === undefined ? 'does not serve it' : `serves versions ${range.min} to ${range.max}`;
  return new KafkaError(
    'UNSUPPORTED_VERSION',
    `${api.name} cannot be sent to ${address}: this client speaks versions ${api.minVersion} to ${api.maxVersion}, the broker ${theirs}`,
    { errorCode: Errors.UNSUPPORTED_VERSION.code },
  );
}
