/** `springtide repair`: what is damaged of one partition, and the ways out of it, with the broker stopped. */
import { Command, Option } from 'commander';
import type { RepairFlags } from './run-repair.ts';

/** @param exit is told the exit code when the command is through. */
export function repairCommand(exit: (code: number) => void): Command {
  return new Command('repair')
    .description(
      'tell what is damaged of a partition, or end the damage in one of three ways; the broker must be stopped',
    )
    .argument('<data-folder>', 'the data folder (one of log.dirs)')
    .argument('<partition>', 'the partition, as its folder is called: orders-0')
    .addOption(
      new Option('--truncate', 'end the log where the damage begins; what comes after is put aside').conflicts([
        'skip',
        'keep',
      ]),
    )
    .addOption(
      new Option('--skip', 'put the damaged bytes aside and let readers pass over their offsets').conflicts(['keep']),
    )
    .option('--keep', 'change nothing, but take records again; the damaged offsets stay CORRUPT_MESSAGE')
    .addHelpText(
      'after',
      `
Without a choice nothing of the log is changed. Nothing is ever deleted: what is put aside lies in <partition>.corrupt-<time>.

Exit codes: 0 not damaged, or repaired; 1 damaged; 2 wrongly called, or the folder is in use.

Examples:
  springtide repair data orders-0
  springtide repair data orders-0 --skip`,
    )
    .action(async (folder: string, partition: string, flags: RepairFlags) => {
      const { runRepair } = await import('./run-repair.ts');
      exit(await runRepair(folder, partition, flags));
    });
}
