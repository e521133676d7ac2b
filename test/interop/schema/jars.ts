/** Reads Kafka's jars (zip files): the schemas inside, and which class a message has. For tests only. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

export interface KafkaSchema {
  readonly name: string;
  readonly type: string;
  readonly apiKey?: number;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly latestVersionUnstable?: boolean;
  readonly fields: readonly KafkaField[];
  readonly commonStructs?: readonly { name: string; fields: readonly KafkaField[] }[];
}

export interface KafkaField {
  readonly name: string;
  readonly type: string;
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly flexibleVersions?: string;
  readonly tag?: number;
  readonly default?: unknown;
  readonly ignorable?: boolean;
  readonly fields?: readonly KafkaField[];
}

export interface KafkaJars {
  readonly folder: string;
  readonly schemas: ReadonlyMap<string, KafkaSchema>;
  /** Java class of a message, by the message's name. */
  classOf(name: string): string;
}

const CENTRAL_ENTRY = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;

/** Opens the folder that SPRINGTIDE_KAFKA_LIBS names; fails with what to do when there is none. */
export function openKafkaJars(): KafkaJars {
  const folder = process.env['SPRINGTIDE_KAFKA_LIBS'];
  if (folder === undefined || folder === '') {
    throw new Error(
      'SPRINGTIDE_KAFKA_LIBS must name the folder with the jars of Apache Kafka 4.4.0: run `npm run test:interop`',
    );
  }
  const jars = readdirSync(folder).filter((file) => /^kafka-.*4\.4\.0\.jar$/.test(file));
  if (jars.length === 0) throw new Error(`${folder} (SPRINGTIDE_KAFKA_LIBS) has no jars of Apache Kafka 4.4.0`);
  const schemas = new Map<string, KafkaSchema>();
  const classes = new Map<string, string>();
  for (const jar of jars) readJar(join(folder, jar), schemas, classes);
  return {
    folder,
    schemas,
    classOf: (name) => classes.get(`${name}Data`) ?? classes.get(name) ?? `no class for ${name}`,
  };
}

function readJar(path: string, schemas: Map<string, KafkaSchema>, classes: Map<string, string>): void {
  const jar = readFileSync(path);
  const end = jar.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || jar.readUInt32LE(end) !== END_OF_DIRECTORY) throw new Error(`${path} is not a zip file`);
  let at = jar.readUInt32LE(end + 16);
  for (let left = jar.readUInt16LE(end + 10); left > 0; left--) {
    if (jar.readUInt32LE(at) !== CENTRAL_ENTRY) throw new Error(`${path} has a broken directory`);
    const nameBytes = jar.readUInt16LE(at + 28);
    const name = jar.toString('utf8', at + 46, at + 46 + nameBytes);
    if (name.endsWith('.json')) addSchema(schemas, content(jar, at));
    const className = /^(.*\/(?:message|metadata|generated)\/(\w+))\.class$/.exec(name);
    if (className !== null) classes.set(className[2], className[1].replaceAll('/', '.'));
    at += 46 + nameBytes + jar.readUInt16LE(at + 30) + jar.readUInt16LE(at + 32);
  }
}

function addSchema(schemas: Map<string, KafkaSchema>, text: string): void {
  const schema = JSON.parse(withoutComments(text)) as KafkaSchema;
  if (typeof schema.validVersions === 'string') schemas.set(schema.name, schema);
}

/** The file that the directory's entry at `entry` describes. */
function content(jar: Buffer, entry: number): string {
  const header = jar.readUInt32LE(entry + 42);
  const start = header + 30 + jar.readUInt16LE(header + 26) + jar.readUInt16LE(header + 28);
  const bytes = jar.subarray(start, start + jar.readUInt32LE(entry + 20));
  return (jar.readUInt16LE(entry + 10) === 0 ? bytes : inflateRawSync(bytes)).toString('utf8');
}

/** Kafka's schemas are JSON with line comments. */
function withoutComments(text: string): string {
  return text.replace(/"(?:\\.|[^"\\])*"|\/\/[^\n]*/g, (token) => (token.startsWith('"') ? token : ''));
}
