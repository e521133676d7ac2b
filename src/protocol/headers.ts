/**
 * Requests and responses with what stands before them: size, header, body. The header's version follows from the API
 * and its version (KIP-482); the one exception is the answer to ApiVersions, whose header stays v0: the client has
 * not learnt yet what the server speaks (KIP-511).
 */
import { type ByteReader, ByteWriter } from '#core';
import { type Api, apiByKey } from './apis.ts';
import { decode, encode } from './codec.ts';
import { RequestHeader, ResponseHeader } from './messages/headers.ts';
import type { Draft, MessageSchema } from './schema.ts';

const API_VERSIONS_KEY = 18;
const SIZE_BYTES = 4;

export interface RequestHead {
  apiKey: number;
  apiVersion: number;
  correlationId: number;
  clientId: string | null;
}

/**
 * The frame of a request, size included, for one `writev`. Records in the body are the caller's own buffers.
 */
export function encodeRequest<Q extends MessageSchema>(
  api: Api<Q>,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: Draft<Q>,
): Buffer[] {
  const writer = new ByteWriter();
  writer.int32(0);
  const head = { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId };
  encode(RequestHeader, requestHeaderVersion(api, version), head, writer);
  encode(api.request, version, body, writer);
  return framed(writer);
}

/** The frame of a response, size included, for one `writev`. */
export function encodeResponse<S extends MessageSchema>(
  api: Api<MessageSchema, S>,
  version: number,
  correlationId: number,
  body: Draft<S>,
): Buffer[] {
  const writer = new ByteWriter();
  writer.int32(0);
  encode(ResponseHeader, responseHeaderVersion(api, version), { correlationId }, writer);
  encode(api.response, version, body, writer);
  return framed(writer);
}

/**
 * Reads the header of a request and leaves the reader at its body. For a number that is no API of ours the reader may
 * stand before a tag section; such requests are not answered anyway.
 */
export function decodeRequestHeader(reader: ByteReader): RequestHead {
  const start = reader.position;
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  reader.position = start;
  const api = apiByKey(apiKey);
  const head = decode(RequestHeader, api === undefined ? 1 : requestHeaderVersion(api, apiVersion), reader);
  return { apiKey, apiVersion, correlationId: head.correlationId, clientId: head.clientId };
}

/** Reads the header of a response to `api` and leaves the reader at its body. */
export function decodeResponseHeader(api: Api, version: number, reader: ByteReader): ResponseHeader {
  return decode(ResponseHeader, responseHeaderVersion(api, version), reader);
}

function requestHeaderVersion(api: Api, version: number): number {
  return api.isFlexible(version) ? 2 : 1;
}

function responseHeaderVersion(api: Api, version: number): number {
  return api.isFlexible(version) && api.key !== API_VERSIONS_KEY ? 1 : 0;
}

function framed(writer: ByteWriter): Buffer[] {
  writer.patchInt32(0, writer.position - SIZE_BYTES);
  return writer.chunks();
}
