import { describe, expect, test } from '@jest/globals';
import { ByteReader, KafkaError, seededRandom } from '#core';
import {
  type Api,
  Apis,
  apiByKey,
  decode,
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  FrameReader,
} from '#protocol';

function frame(body: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

describe('FrameReader', () => {
  test('Frames come out whole and in order however the stream was cut', () => {
    const random = seededRandom(11);
    for (let round = 0; round < 50; round++) {
      const bodies = Array.from({ length: 20 }, () => random.bytes(random.uint32() % (round % 2 === 0 ? 5 : 500)));
      const stream = Buffer.concat(bodies.map(frame));
      const reader = new FrameReader(1000);
      const seen: Buffer[] = [];
      for (let at = 0; at < stream.length; ) {
        const length = 1 + (random.uint32() % 300);
        reader.push(stream.subarray(at, at + length));
        at += length;
        for (let body = reader.next(); body !== undefined; body = reader.next()) seen.push(body);
      }
      expect(seen.map((body) => body.toString('hex'))).toEqual(bodies.map((body) => body.toString('hex')));
      expect(reader.bufferedBytes).toBe(0);
    }
  });

  test('A frame within one chunk is a slice of it', () => {
    const chunk = frame(Buffer.from('hello'));
    const reader = new FrameReader(100);
    reader.push(chunk);
    expect(reader.next()?.buffer).toBe(chunk.buffer);
  });

  test.each([
    ['beyond the limit', '00000065', /more than the 100 bytes allowed/],
    ['of 2 GiB', '7fffffff', /more than the 100 bytes allowed/],
    ['negative', 'ffffffff', /a negative size/],
  ])('A size %s is refused as soon as its four bytes are there', (_what, size, text) => {
    const reader = new FrameReader(100);
    const bytes = Buffer.from(size, 'hex');
    reader.push(bytes.subarray(0, 3));
    expect(reader.next()).toBeUndefined();
    reader.push(bytes.subarray(3));
    expect(() => reader.next()).toThrow(text);
  });

  test('The largest size allowed is taken, and an empty frame too', () => {
    const reader = new FrameReader(100);
    reader.push(Buffer.concat([frame(Buffer.alloc(100)), frame(Buffer.alloc(0))]));
    expect(reader.next()?.length).toBe(100);
    expect(reader.next()?.length).toBe(0);
    expect(reader.next()).toBeUndefined();
  });

  test('A frame that trickles in byte by byte waits in few chunks and comes out whole', () => {
    const body = seededRandom(8).bytes(200_000);
    const reader = new FrameReader(1 << 20);
    let most = 0;
    for (const byte of frame(body)) {
      if (reader.next() !== undefined) throw new Error('a frame before its end');
      reader.push(Buffer.from([byte]));
      most = Math.max(most, reader.chunkCount);
    }
    expect(most).toBeLessThan(30);
    expect(reader.next()?.equals(body)).toBe(true);
  });

  test('HTTP and TLS on a Kafka port are called by their names', () => {
    const http = new FrameReader(100 * 1024 * 1024);
    http.push(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    expect(() => http.next()).toThrow(/this is HTTP/);
    const tls = new FrameReader(100 * 1024 * 1024);
    tls.push(Buffer.from('16030100c8010000c40303', 'hex'));
    expect(() => tls.next()).toThrow(/TLS handshake/);
  });

  test('The refusal is an INVALID_REQUEST that shows the first bytes', () => {
    const reader = new FrameReader(10);
    reader.push(Buffer.from('deadbeef0102', 'hex'));
    expect(() => reader.next()).toThrow(KafkaError);
    const again = new FrameReader(10);
    again.push(Buffer.from('deadbeef0102', 'hex'));
    expect(() => again.next()).toThrow(/deadbeef0102/);
  });
});

describe('Headers', () => {
  const withoutSize = (chunks: Buffer[]): ByteReader => new ByteReader(Buffer.concat(chunks), 4);

  test.each([
    ['Metadata', 8],
    ['Metadata', 9],
    ['ApiVersions', 3],
    ['Produce', 13],
    ['SaslHandshake', 1],
  ] as const)('A request survives the way there: %s v%i', (name, version) => {
    const api: Api = Apis[name];
    const chunks = encodeRequest(api, version, 77, 'größe', {});
    const whole = Buffer.concat(chunks);
    expect(whole.readInt32BE(0)).toBe(whole.length - 4);
    const reader = withoutSize(chunks);
    const head = decodeRequestHeader(reader);
    expect(head).toEqual({ apiKey: api.key, apiVersion: version, correlationId: 77, clientId: 'größe' });
    decode(api.request, version, reader);
    expect(reader.remaining).toBe(0);
  });

  test('The client id keeps its old form in flexible headers, and may be null', () => {
    const bytes = Buffer.concat(encodeRequest(Apis.Heartbeat, 4, 1, null, {}));
    expect(bytes.subarray(4, 15).toString('hex')).toBe(`000c0004${'00000001'}ffff00`);
  });

  test('A response has a flexible header from the flexible version on, ApiVersions never', () => {
    const size = (chunks: Buffer[]): number => Buffer.concat(chunks).length;
    expect(size(encodeResponse(Apis.Heartbeat, 3, 5, {}))).toBe(4 + 4 + 4 + 2);
    expect(size(encodeResponse(Apis.Heartbeat, 4, 5, {}))).toBe(4 + 4 + 1 + 4 + 2 + 1);
    const apiVersions = Buffer.concat(encodeResponse(Apis.ApiVersions, 3, 5, { errorCode: 35 }));
    expect(apiVersions.subarray(4, 10).toString('hex')).toBe('000000050023');
    const reader = withoutSize([apiVersions]);
    expect(decodeResponseHeader(Apis.ApiVersions, 3, reader).correlationId).toBe(5);
    expect(decode(Apis.ApiVersions.response, 3, reader).errorCode).toBe(35);
  });

  test('The answer to an unknown version of ApiVersions has the bytes of a live broker', () => {
    const body = { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 5 }] };
    const bytes = Buffer.concat(encodeResponse(Apis.ApiVersions, 0, 8, body));
    expect(bytes.subarray(4).toString('hex')).toBe('00000008002300000001001200000005');
  });

  test('The header of an unknown API or version can be read', () => {
    const head = (hex: string) => decodeRequestHeader(new ByteReader(Buffer.from(hex, 'hex')));
    expect(head('03e7000000000001ffff').apiKey).toBe(999);
    expect(head('0012006300000001ffff00')).toEqual({ apiKey: 18, apiVersion: 99, correlationId: 1, clientId: null });
    expect(() => head('001200')).toThrow(KafkaError);
  });
});

describe('The table of APIs', () => {
  test('Every row is found by its number and has request and response of the same versions', () => {
    for (const [name, api] of Object.entries(Apis)) {
      expect(apiByKey(api.key)).toBe(api);
      expect(api.name).toBe(name);
      expect(api.request.name).toBe(`${name}Request`);
      expect(api.response.versions).toEqual(api.request.versions);
      expect(api.response.flexible).toEqual(api.request.flexible);
    }
    expect(apiByKey(4)).toBeUndefined();
  });

  test('An unstable version is not the highest that is announced', () => {
    expect(Apis.InitProducerId.maxVersion).toBe(5);
    expect(Apis.Fetch.maxVersion).toBe(18);
  });
});
