/** A frame read as far as its header: which API, in which version, and where the body begins. Nobody was asked anything yet. */
import { ByteReader, CorruptError, KafkaError } from '#core';
import { Apis, decodeRequestHeader } from '#protocol';
import type { Route } from './route.ts';
import type { RouteTable } from './route-table.ts';

/**
 * Array elements of one request: those of the largest sane one, a group's offsets in a hundred thousand partitions, fit. An element takes
 * 200 bytes at most when it is decoded, and a request 64 times its own size, of whatever API it is.
 */
const ELEMENTS_MAX = 500_000;
const HEADER_BYTES_MIN = 8;

export interface RequestFrame {
  readonly route: Route;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** At the body; undefined: ApiVersions of a version that nobody knows, whose body cannot be read and need not be. */
  readonly body: ByteReader | undefined;
}

/** @throws KafkaError when this is no request that is served here */
export function readRequestFrame(frame: Buffer, routes: RouteTable): RequestFrame {
  if (frame.length < HEADER_BYTES_MIN) {
    throw new CorruptError(`a request of ${frame.length} bytes has no room for its header`);
  }
  const apiKey = frame.readInt16BE(0);
  const version = frame.readInt16BE(2);
  const route = routes.find(apiKey);
  if (route === undefined) throw new KafkaError('INVALID_REQUEST', `API key ${apiKey} is not served here`);
  if (version < route.minVersion || version > route.maxVersion) return unservedVersion(frame, route, version);
  const reader = new ByteReader(frame);
  reader.elementsLeft = ELEMENTS_MAX;
  const { correlationId, clientId } = decodeRequestHeader(reader);
  return { route, version, correlationId, clientId, body: reader };
}

export function isProduce(frame: Buffer): boolean {
  return frame.length >= 2 && frame.readInt16BE(0) === Apis.Produce.key;
}

/** People point browsers, health checks and TLS clients at brokers; say so instead of "frame too large". */
export function guessProtocol(firstBytes: Buffer): string | undefined {
  const text = firstBytes.toString('latin1');
  if (/^(GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|TRACE|PRI) /.test(text)) {
    return 'it looks like an HTTP request; this port speaks the Kafka protocol';
  }
  if (firstBytes[0] === 0x16 && firstBytes[1] === 0x03) {
    return 'it looks like a TLS handshake; this listener is PLAINTEXT';
  }
  return undefined;
}

/** A client that begins with a version of ApiVersions that is too new for us learns from the answer which ones there are (KIP-511). */
function unservedVersion(frame: Buffer, route: Route, version: number): RequestFrame {
  if (route.api === Apis.ApiVersions) {
    return { route, version: 0, correlationId: frame.readInt32BE(4), clientId: null, body: undefined };
  }
  const served = `${route.minVersion} to ${route.maxVersion}`;
  throw new KafkaError('INVALID_REQUEST', `${route.api.name} version ${version} is not served here (${served} are)`);
}
