import { describe, expect, test } from '@jest/globals';
import { ByteReader, ByteWriter, seededRandom } from '#core';
import { encodeToBuffer } from '#protocol';
import { closureCodec } from '../../src/protocol/closure-codec.ts';
import { compiledCodec } from '../../src/protocol/compiled-codec.ts';
import type { Codec } from '../../src/protocol/schema.ts';
import { allSchemas, randomMessage, versionsOf } from './scene.ts';

const VALUES_PER_VERSION = 12;

function encoded(codec: Codec, value: unknown): Buffer {
  const writer = new ByteWriter(16);
  codec.encode(value, writer);
  return writer.finish();
}

describe('Compiled codecs and closure codecs agree on every version of', () => {
  test.each(allSchemas.map((schema) => [schema.name, schema] as const))('%s', (_name, schema) => {
    const random = seededRandom(schema.name.length * 1000 + schema.fields.length);
    for (const version of versionsOf(schema)) {
      const compiled = compiledCodec(schema, version);
      const closures = closureCodec(schema, version);
      for (let i = 0; i < VALUES_PER_VERSION; i++) {
        const value = randomMessage(random, schema, version);
        const bytes = encoded(compiled, value);
        expect(bytes.toString('hex')).toBe(encoded(closures, value).toString('hex'));
        const reader = new ByteReader(bytes);
        expect(compiled.decode(reader)).toEqual(value);
        expect(reader.remaining).toBe(0);
        expect(closures.decode(new ByteReader(bytes))).toEqual(value);
      }
    }
  });
});

test('A draft that leaves everything out encodes like one that spells out every default', () => {
  for (const schema of allSchemas) {
    for (const version of versionsOf(schema)) {
      const bytes = encodeToBuffer(schema, version, {});
      const spelled = compiledCodec(schema, version).decode(new ByteReader(bytes));
      expect(encodeToBuffer(schema, version, spelled as {})).toEqual(bytes);
    }
  }
});
