/**
 * The requests of a real client, one a line, as they came to a broker:
 *
 *     # franz-go v1.20.6 on Apache Kafka 4.4.0
 *     topic franz-go-data 2
 *     1 Metadata.12 0 topicId:franz-go-data=4Yf… AAMADAAAAAE…
 *
 * A line has the connection, API and version, the error codes of the answer, what the answer handed out (`-` for none), and the frame
 * without its size as base64. `record.ts` makes these files, one client or tool a file, and they are kept in the repository. Recording
 * anew in each run would need every tool chain and half a minute, and would ask something slightly different each time, because
 * clients poll, retry and refresh as time passes; so a difference could come and go. What is kept is asked in the same order every
 * time, costs a second, and changes when somebody records anew.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Api, Apis } from '#protocol';
import type { HandedOut } from './handed-out.ts';

export interface Recording {
  /** Name and version. */
  readonly client: string;
  /** Partitions of topics that are there before it begins. */
  readonly topics: ReadonlyMap<string, number>;
  readonly requests: readonly RecordedRequest[];
}

export interface RecordedRequest {
  readonly connection: number;
  readonly api: Api;
  readonly version: number;
  /** Of the answer, when it was recorded. */
  readonly codes: readonly number[];
  readonly handedOut: readonly HandedOut[];
  /** Header and body. */
  readonly frame: Buffer;
}

export const recordingFolder: string = fileURLToPath(new URL('recordings/', import.meta.url));

export function readRecordings(): ReadonlyMap<string, Recording> {
  const names = readdirSync(recordingFolder).sort();
  return new Map(names.map((name) => [name.replace('.txt', ''), parsed(readFileSync(recordingFolder + name, 'utf8'))]));
}

export function textOfRecording({ client, topics, requests }: Recording): string {
  const lines = [`# ${client}`, ...[...topics].map(([name, partitions]) => `topic ${name} ${partitions}`)];
  for (const { connection, api, version, codes, handedOut, frame } of requests) {
    const given = handedOut.map(({ name, value }) => `${name}=${value}`).join(',');
    lines.push(
      `${connection} ${api.name}.${version} ${codes.join() || '-'} ${given || '-'} ${frame.toString('base64')}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function parsed(text: string): Recording {
  const [title, ...lines] = text.trimEnd().split('\n');
  const isTopic = (line: string) => line.startsWith('topic ');
  const topics = lines.filter(isTopic).map((line) => line.split(' '));
  return {
    client: title.slice(2),
    topics: new Map(topics.map(([, name, partitions]) => [name, Number(partitions)])),
    requests: lines.filter((line) => !isTopic(line)).map(parsedRequest),
  };
}

function parsedRequest(line: string): RecordedRequest {
  const [connection, asked, codes, given, frame] = line.split(' ');
  const [name, version] = asked.split('.');
  return {
    connection: Number(connection),
    api: Apis[name as keyof typeof Apis] as Api,
    version: Number(version),
    codes: codes === '-' ? [] : codes.split(',').map(Number),
    handedOut: given === '-' ? [] : given.split(',').map(parsedGift),
    frame: Buffer.from(frame, 'base64'),
  };
}

function parsedGift(text: string): HandedOut {
  const at = text.indexOf('=');
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}
