import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { compressionCodecs, seededRandom } from '#core';
import { Apis, buildBatch, Errors, encodeToBuffer, type RecordDraft } from '#protocol';
import { allSchemas, randomMessage, versionsOf } from '../../protocol/scene.ts';
import { type KafkaSchema, openKafkaJars } from './jars.ts';
import { linesOfKafka, linesOfOurs } from './schema-lines.ts';

const jars = openKafkaJars();
const VALUES_PER_VERSION = 8;

function kafkaSchema(name: string): KafkaSchema {
  const schema = jars.schemas.get(name);
  if (schema === undefined) throw new Error(`Apache Kafka 4.4.0 has no message ${name}`);
  return schema;
}

/** Runs Kafka's own code (Golden.java) on lines of text; one answer per line. */
function kafka(mode: string, lines: readonly string[] = []): string[] {
  const program = fileURLToPath(new URL('./Golden.java', import.meta.url));
  const args = ['-Dfile.encoding=UTF-8', '-cp', `${jars.folder}/*`, program, mode];
  const run = spawnSync('java', args, { input: lines.join('\n'), encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`java failed: ${run.error?.message ?? run.stderr}`);
  return run.stdout.trimEnd().split('\n');
}

describe('Our declaration is that of Apache Kafka 4.4.0, field by field:', () => {
  test.each(allSchemas.map((schema) => [schema.name, schema] as const))('%s', (name, schema) => {
    expect(linesOfOurs(schema)).toEqual(linesOfKafka(kafkaSchema(name)));
  });
});

test('A missing field, a wrong type, version, default, tag or null rule is noticed', () => {
  const original = kafkaSchema('FetchRequest');
  const ours = linesOfOurs(Apis.Fetch.request);
  const [first, ...rest] = original.fields;
  const changed = (change: object): KafkaSchema => ({ ...original, fields: [{ ...first, ...change }, ...rest] });
  expect(linesOfKafka(original)).toEqual(ours);
  for (const other of [
    { ...original, fields: rest },
    { ...original, fields: [first, first, ...rest] },
    { ...original, validVersions: '4-19' },
    { ...original, flexibleVersions: '13+' },
    changed({ type: 'bytes' }),
    changed({ versions: '13+' }),
    changed({ taggedVersions: '13+' }),
    changed({ nullableVersions: '13+' }),
    changed({ default: '' }),
    changed({ tag: 2 }),
    changed({ ignorable: false }),
    changed({ name: 'Cluster' }),
  ]) {
    expect(linesOfKafka(other)).not.toEqual(ours);
  }
});

test('Kafka decodes what we encode, and encodes the same bytes again: every message, every version', () => {
  const random = seededRandom(44);
  const cases = allSchemas.flatMap((schema) =>
    versionsOf(schema).flatMap((version) =>
      Array.from({ length: VALUES_PER_VERSION }, () => {
        const bytes = encodeToBuffer(schema, version, randomMessage(random, schema, version) as {});
        return { what: `${schema.name} v${version}`, className: jars.classOf(schema.name), version, bytes };
      }),
    ),
  );
  const lines = cases.map(({ className, version, bytes }) => `${className} ${version} ${bytes.toString('base64')}`);
  const answers = kafka('echo', lines);
  const differing = cases.flatMap(({ what, bytes }, index) =>
    answers[index] === bytes.toString('base64')
      ? []
      : [`${what}: ${answers[index]} instead of ${bytes.toString('base64')}`],
  );
  expect(differing).toEqual([]);
  expect(answers.length).toBe(cases.length);
});

test('The table of errors is that of Kafka, but for the texts', () => {
  const ours = Object.values(Errors).map(({ code, name, retriable, invalidMetadata }) =>
    [code, name, retriable, invalidMetadata].join('\t'),
  );
  expect(ours).toEqual(kafka('errors'));
});

describe('Record batches', () => {
  const records: RecordDraft[] = Array.from({ length: 400 }, (_, i) => ({
    timestamp: 1_795_244_830_482 + (i % 3) * 1_000_000_000,
    key: i % 5 === 0 ? null : Buffer.from(`key-${i}`),
    value: i % 7 === 0 ? null : seededRandom(i).bytes(i),
    headers: i % 4 === 0 ? [{ key: `größe-${i}`, value: i % 8 === 0 ? null : Buffer.from('x') }] : [],
  }));

  const base64 = (bytes: Buffer | null): string => (bytes === null ? 'null' : bytes.toString('base64'));

  function expected(codec: string): string {
    const last = Math.max(...records.map((record) => record.timestamp));
    const body = records.map(({ timestamp, key, value, headers = [] }, i) => {
      const shown = headers.map((header) => ` ${base64(Buffer.from(header.key))}=${base64(header.value)}`).join('');
      return `${7 + i} ${timestamp} ${base64(key)} ${base64(value)}${shown};`;
    });
    return `${codec} 7 406 4000000000 2 2147483600 ${last} true false;${body.join('')}`;
  }

  test('Kafka reads what we build with every codec, checksum included', () => {
    const lines = compressionCodecs.map((compression) => {
      const producer = { producerId: 4_000_000_000, producerEpoch: 2, baseSequence: 2147483600, isTransactional: true };
      return buildBatch(records, { compression, baseOffset: 7, ...producer }).toString('base64');
    });
    expect(kafka('records', lines)).toEqual(compressionCodecs.map(expected));
  });
});
