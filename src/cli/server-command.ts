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
Examples:
  springtide server
  springtide server server.properties
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
