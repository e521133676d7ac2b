/** `springtide dump-log`: the files of a log directory as kafka-dump-log prints them, with its flags; and `--verify` for a whole folder. */
import { Command, InvalidArgumentError } from 'commander';
import type { DumpLogFlags } from './run-dump-log.ts';

const STRING_DECODER = 'org.apache.kafka.tools.api.StringDecoder';
const MESSAGE_BYTES_MAX = 5 * 1024 * 1024;
const INT32_MAX = 2 ** 31 - 1;

/** @param exit is told the exit code when the command is through. */
export function dumpLogCommand(exit: (code: number) => void): Command {
  return new Command('dump-log')
    .description('print the files of a log directory as kafka-dump-log does, or check whole directories')
    .option('--files <files>', 'data and index files to be dumped, separated by commas')
    .option('--verify <folders>', 'check whole data folders instead, separated by commas; nothing is written')
    .option('--print-data-log', 'print keys and values; set by every decoder')
    .option('--deep-iteration', 'print records, not only batches; set by --print-data-log')
    .option('--skip-record-metadata', 'print nothing but keys and values of records; leaves out control records')
    .option('--max-bytes <size>', 'read only so much of each .log file', integer, INT32_MAX)
    .option('--max-message-size <size>', 'size of the largest message', integer, MESSAGE_BYTES_MAX)
    .option('--index-sanity-check', 'check indexes as Kafka does when it starts, without printing them')
    .option('--verify-index-only', 'compare indexes with their log, without printing them')
    .option('--key-decoder-class [class]', `StringDecoder, IntegerDecoder or LongDecoder (default: ${STRING_DECODER})`)
    .option(
      '--value-decoder-class [class]',
      `StringDecoder, IntegerDecoder or LongDecoder (default: ${STRING_DECODER})`,
    )
    .option('--offsets-decoder', 'the records are those of __consumer_offsets')
    .option('--transaction-log-decoder', 'the records are those of __transaction_state')
    .option('--cluster-metadata-decoder', 'the records are those of __cluster_metadata')
    .option('--share-group-state-decoder', 'the records are those of __share_group_state')
    .option('--remote-log-metadata-decoder', 'the records are those of __remote_log_metadata')
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 something could not be read or is damaged, 2 wrongly called or the folder is in use.

Examples:
  springtide dump-log --files data/orders-0/00000000000000000000.log --print-data-log
  springtide dump-log --files data/orders-0/00000000000000000000.index,data/orders-0/00000000000000000000.timeindex
  springtide dump-log --cluster-metadata-decoder --files data/__cluster_metadata-0/00000000000000000000.log
  springtide dump-log --verify data
  springtide dump-log --verify /disk1/data,/disk2/data`,
    )
    .action(async (options: DumpLogFlags) => {
      const { runDumpLog } = await import('./run-dump-log.ts');
      exit(await runDumpLog(options));
    });
}

function integer(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= INT32_MAX) return value;
  throw new InvalidArgumentError(`It must be a number of bytes from 0 to ${INT32_MAX}.`);
}
