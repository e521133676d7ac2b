/** `springtide server`: the broker alone, in the foreground, until SIGTERM or SIGINT. */
import { Command } from 'commander';

/** @param exit is told the exit code when the command is through. */
export function serverCommand(exit: (code: number) => void): Command {
  return new Command('server')
    .description('run the broker in the foreground')
    .argument('[file]', "Kafka's server.properties; without it the defaults hold")
    .option('--override <key=value>', 'set one key over the file; may be repeated', collect, [])
    .option('--log-level <level>', 'trace, debug, info, warn, error or off', 'info')
    .option('--log-format <format>', 'pretty or json', 'pretty')
    .addHelpText(
      'after',
      `
Keys are those of Kafka's server.properties; those without effect here are named at the start. Data is kept in ./data, clients are
taken on 127.0.0.1:9092, and acknowledged records are on the disk (springtide.broker.durability=os: in the page cache, as in Kafka).

The first SIGTERM or SIGINT answers what was asked and stops, a second one ends at once.
Exit codes: 0 stopped, 1 failed to start, 2 wrongly called, 130 or 143 ended at a second signal.

Examples:
  springtide server
  springtide server config/server.properties
  springtide server --override listeners=PLAINTEXT://127.0.0.1:9192 --override log.dirs=/tmp/data`,
    )
    .action(async (file: string | undefined, options: { override: string[]; logLevel: string; logFormat: string }) => {
      const { runServer } = await import('./run-server.ts');
      exit(await runServer({ file, ...options }));
    });
}

function collect(value: string, earlier: string[]): string[] {
  return [...earlier, value];
}
