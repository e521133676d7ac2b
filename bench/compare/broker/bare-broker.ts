/**
 * The floor: the least that any Node process must do for what producers send. It frames, checksums each batch, writes all that came in a
 * turn with one `writev` a partition and answers; nothing is validated, indexed, kept or read back. It speaks as much of the protocol as
 * the clients of the bench need to produce: ApiVersions, Metadata (every topic has `partitions` partitions), InitProducerId, Produce 3 to 8.
 *
 *     node --conditions=springtide-src bare-broker.ts <folder> <partitions>      prints `ready 127.0.0.1:<port>`
 */
import { openSync, writevSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { ByteReader, crc32c } from '#core';
import { Apis, decode, decodeRequestHeader, encodeResponse } from '#protocol';

const [folder, partitionsText] = process.argv.slice(2);
const partitionCount = Number(partitionsText);
const CRC_POSITION = 17;
const CONTENT_POSITION = 21;

interface File {
  readonly descriptor: number;
  position: number;
  pending: Buffer[];
}

interface Client {
  readonly socket: Socket;
  rest: Buffer[];
  restBytes: number;
  replies: Buffer[];
}

const files = new Map<string, File>();
const dirty = new Set<File>();
const waiting = new Set<Client>();
let isDue = false;
let port = 0;

const server = createServer({ noDelay: true }, (socket) => {
  const client: Client = { socket, rest: [], restBytes: 0, replies: [] };
  socket.on('data', (chunk: Buffer) => take(client, chunk));
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  console.log(`ready 127.0.0.1:${port}`);
});
process.on('SIGTERM', () => process.exit(0));

/** A frame over several chunks is put together once. */
function take(client: Client, chunk: Buffer): void {
  client.rest.push(chunk);
  client.restBytes += chunk.length;
  const first = client.rest[0];
  if (first.length >= 4 && client.restBytes < first.readInt32BE(0) + 4) return;
  let bytes = client.rest.length === 1 ? first : Buffer.concat(client.rest, client.restBytes);
  while (bytes.length >= 4 && bytes.length >= bytes.readInt32BE(0) + 4) {
    const size = bytes.readInt32BE(0);
    answer(client, bytes.subarray(4, 4 + size));
    bytes = bytes.subarray(4 + size);
  }
  client.rest = bytes.length === 0 ? [] : [bytes];
  client.restBytes = bytes.length;
}

function answer(client: Client, frame: Buffer): void {
  if (frame.readInt16BE(0) === Apis.Produce.key) produce(client, frame);
  else client.socket.write(Buffer.concat(otherAnswer(frame)));
}

/** Versions 3 to 8 differ in the answer alone. */
function produce(client: Client, frame: Buffer): void {
  const version = frame.readInt16BE(2);
  let at = 8 + skipString(frame, 8);
  at += skipString(frame, at) + 6;
  const topicCount = frame.readInt32BE(at);
  at += 4;
  const reply = Buffer.allocUnsafe(64 + frame.length / 8);
  let end = reply.writeInt32BE(frame.readInt32BE(4), 4);
  end = reply.writeInt32BE(topicCount, end);
  for (let topic = 0; topic < topicCount; topic++) {
    const nameBytes = skipString(frame, at);
    const name = frame.toString('latin1', at + 2, at + nameBytes);
    end += frame.copy(reply, end, at, at + nameBytes);
    at += nameBytes;
    const count = frame.readInt32BE(at);
    at += 4;
    end = reply.writeInt32BE(count, end);
    for (let index = 0; index < count; index++) {
      const partition = frame.readInt32BE(at);
      const size = frame.readInt32BE(at + 4);
      const batch = frame.subarray(at + 8, at + 8 + size);
      at += 8 + size;
      if (crc32c(batch.subarray(CONTENT_POSITION)) !== batch.readUInt32BE(CRC_POSITION)) throw new Error('checksum');
      append(`${name}-${partition}`, batch);
      end = reply.writeInt32BE(partition, end);
      // error, base offset 0, no append time, log start offset 0; from 8 on no record errors, no message
      const rest = version >= 8 ? 32 : version >= 5 ? 26 : 18;
      reply.fill(0, end, end + rest);
      reply.fill(0xff, end + 10, end + 18);
      if (version >= 8) reply.writeInt16BE(-1, end + 30);
      end += rest;
    }
  }
  end = reply.writeInt32BE(0, end);
  reply.writeInt32BE(end - 4, 0);
  client.replies.push(reply.subarray(0, end));
  waiting.add(client);
  if (!isDue) setImmediate(writeAll);
  isDue = true;
}

function append(name: string, batch: Buffer): void {
  let file = files.get(name);
  if (file === undefined) {
    file = { descriptor: openSync(join(folder, name), 'w'), position: 0, pending: [] };
    files.set(name, file);
  }
  file.pending.push(batch);
  dirty.add(file);
}

function writeAll(): void {
  isDue = false;
  for (const file of dirty) {
    file.position += writevSync(file.descriptor, file.pending, file.position);
    file.pending = [];
  }
  dirty.clear();
  for (const client of waiting) {
    client.socket.write(client.replies.length === 1 ? client.replies[0] : Buffer.concat(client.replies));
    client.replies = [];
  }
  waiting.clear();
}

/** Bytes of a string of 16-bit length at `at`, which may be null. */
function skipString(frame: Buffer, at: number): number {
  return 2 + Math.max(0, frame.readInt16BE(at));
}

function otherAnswer(frame: Buffer): Buffer[] {
  const reader = new ByteReader(frame);
  const apiKey = frame.readInt16BE(0);
  const version = frame.readInt16BE(2);
  const { correlationId } = decodeRequestHeader(reader);
  switch (apiKey) {
    case Apis.ApiVersions.key:
      return encodeResponse(Apis.ApiVersions, Math.min(version, 3), correlationId, { apiKeys: SERVED });
    case Apis.Metadata.key: {
      const { topics } = decode(Apis.Metadata.request, version, reader);
      return encodeResponse(Apis.Metadata, version, correlationId, {
        brokers: [{ nodeId: 1, host: '127.0.0.1', port }],
        clusterId: 'bare',
        controllerId: 1,
        topics: (topics ?? []).map(({ name }) => ({ name, partitions: PARTITIONS })),
      });
    }
    case Apis.InitProducerId.key:
      return encodeResponse(Apis.InitProducerId, version, correlationId, { producerId: 1, producerEpoch: 0 });
    default:
      throw new Error(`a request ${apiKey} came`);
  }
}

/** Fetch is not served, but librdkafka takes a broker without it for one of old. */
const SERVED = [
  { apiKey: Apis.Produce.key, minVersion: 3, maxVersion: 8 },
  { apiKey: Apis.Fetch.key, minVersion: 4, maxVersion: 11 },
  { apiKey: Apis.Metadata.key, minVersion: 4, maxVersion: 9 },
  { apiKey: Apis.ApiVersions.key, minVersion: 0, maxVersion: 3 },
  { apiKey: Apis.InitProducerId.key, minVersion: 0, maxVersion: 4 },
];
const PARTITIONS = Array.from({ length: partitionCount }, (_, partitionIndex) => ({
  partitionIndex,
  leaderId: 1,
  replicaNodes: [1],
  isrNodes: [1],
}));
