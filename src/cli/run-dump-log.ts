/** What `springtide dump-log` does once its flags are read. */
import { resolve } from 'node:path';
import { errorText, KafkaError } from '#core';
import {
  canDecodeShareState,
  clusterMetadataDecoder,
  type DumpOutput,
  dumpFiles,
  findingLine,
  lockOwnerPid,
  nodeDisk,
  offsetsDecoder,
  plainDecoder,
  type RecordDecoder,
  shareStateDecoder,
  summaryLine,
  transactionLogDecoder,
  verifyFolder,
} from '#storage';

/** As commander hands them over; a flag that was not given is undefined. */
export interface DumpLogFlags {
  readonly files?: string;
  readonly verify?: string;
  readonly printDataLog?: true;
  readonly deepIteration?: true;
  readonly skipRecordMetadata?: true;
  readonly maxBytes: number;
  readonly maxMessageSize: number;
  readonly indexSanityCheck?: true;
  readonly verifyIndexOnly?: true;
  readonly keyDecoderClass?: string | true;
  readonly valueDecoderClass?: string | true;
  readonly offsetsDecoder?: true;
  readonly transactionLogDecoder?: true;
  readonly clusterMetadataDecoder?: true;
  readonly shareGroupStateDecoder?: true;
  readonly remoteLogMetadataDecoder?: true;
}

/** @returns the exit code. */
export async function runDumpLog(flags: DumpLogFlags): Promise<number> {
  const output = processOutput();
  try {
    if ((flags.files === undefined) === (flags.verify === undefined))
      throw new KafkaError('INVALID_ARGUMENT', 'dump-log takes one of --files and --verify');
    if (flags.verify !== undefined) return await verify(flags.verify, output);
    const decoder = decoderOf(flags);
    return await dumpFiles({
      disk: nodeDisk(),
      files: (flags.files ?? '').replace(/,+$/, '').split(','),
      workingFolder: process.cwd(),
      output,
      decoder,
      isDeep: flags.deepIteration === true || decoder !== undefined,
      skipRecordMetadata: flags.skipRecordMetadata === true,
      bytesMax: flags.maxBytes,
      isSanityOnly: flags.indexSanityCheck === true,
      isVerifyOnly: flags.verifyIndexOnly === true,
      messageBytesMax: flags.maxMessageSize,
    });
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    output.err(`${errorText(error)}\n`);
    return 2;
  } finally {
    await output.end();
  }
}

/** A line for each finding and one at the end, on standard output; of several folders each under its path. */
async function verify(folders: string, output: DumpOutput): Promise<number> {
  const paths = folders.split(',').map((folder) => resolve(folder.trim()));
  for (const path of paths) refuseUsed(path);
  let damageCount = 0;
  for (const path of paths) {
    if (paths.length > 1) output.out(`${path}\n`);
    const summary = await verifyFolder(nodeDisk(), path, (finding) => output.out(`${findingLine(finding)}\n`));
    output.out(`${summaryLine(summary)}\n`);
    damageCount += summary.damageCount;
  }
  return damageCount === 0 ? 0 : 1;
}

function refuseUsed(path: string): void {
  const pid = lockOwnerPid(`${path}/.lock`);
  if (pid === undefined) return;
  throw new KafkaError(
    'LOCKED',
    `${path} is in use by process ${pid}. Stop that broker first: its files change while it runs.`,
  );
}

/** Undefined: what records hold is not printed. Of several decoders the first one counts, in Kafka's order. */
function decoderOf(flags: DumpLogFlags): RecordDecoder | undefined {
  if (flags.offsetsDecoder) return offsetsDecoder;
  if (flags.transactionLogDecoder) return transactionLogDecoder;
  if (flags.clusterMetadataDecoder) return clusterMetadataDecoder;
  if (flags.remoteLogMetadataDecoder) throw refusal('remote-log-metadata', 'remote storage (__remote_log_metadata)');
  if (flags.shareGroupStateDecoder) {
    if (canDecodeShareState()) return shareStateDecoder;
    throw refusal('share-group-state', 'share groups (ShareSnapshot, ShareUpdate)');
  }
  const { keyDecoderClass: key, valueDecoderClass: value } = flags;
  const isGiven = flags.printDataLog === true || key !== undefined || value !== undefined;
  return isGiven ? plainDecoder(className(key), className(value)) : undefined;
}

function className(flag: string | true | undefined): string {
  return typeof flag === 'string' ? flag : 'StringDecoder';
}

function refusal(decoder: string, what: string): KafkaError {
  return new KafkaError(
    'INVALID_ARGUMENT',
    `--${decoder}-decoder is not there: the records of ${what} are not known yet`,
  );
}

const FLUSH_CHARACTERS = 64 * 1024;

/** Standard output in large pieces. A reader that goes away, such as `head`, ends the process quietly. */
function processOutput(): DumpOutput & { end(): Promise<void> } {
  let pieces: string[] = [];
  let characters = 0;
  process.stdout.on('error', (error: Error & { code?: string }) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const flush = (): Promise<void> => {
    const text = pieces.join('');
    pieces = [];
    characters = 0;
    return new Promise((resolve) => process.stdout.write(text, () => resolve()));
  };
  return {
    out(text) {
      pieces.push(text);
      characters += text.length;
    },
    err: (text) => void process.stderr.write(text),
    drained: () => (characters < FLUSH_CHARACTERS ? undefined : flush()),
    end: flush,
  };
}
