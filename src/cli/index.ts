/**
 * # cli: the `springtide` command
 *
 * One file per command; each action is loaded when it is called, so that `--version` and `--help` answer at once. Promises: what was
 * asked for goes to standard output, everything else to standard error; exit codes 0 done, 1 failed, 2 wrongly called; a failure is
 * told in words, without a stack trace.
 *
 * May import: everything. Packages: commander.
 */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { dumpLogCommand } from './dump-log-command.ts';
import { repairCommand } from './repair-command.ts';
import { serverCommand } from './server-command.ts';

/** Runs one command and gives the exit code. @param args without runtime and script. */
export async function main(args: readonly string[]): Promise<number> {
  const program = new Command('springtide')
    .description('Spring for Apache Kafka, for TypeScript, with the broker included')
    .version(version(), '-v, --version')
    .exitOverride()
    .showHelpAfterError('(springtide --help tells what there is)');
  let exitCode = 0;
  const exit = (code: number): void => {
    exitCode = code;
  };
  program.addCommand(serverCommand(exit));
  program.addCommand(dumpLogCommand(exit));
  program.addCommand(repairCommand(exit));
  for (const command of program.commands) command.copyInheritedSettings(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  return exitCode;
}

function version(): string {
  const require = createRequire(import.meta.url);
  return (require('springtide/package.json') as { version: string }).version;
}
