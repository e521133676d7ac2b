/**
 * `quorum-state`: who leads the metadata quorum in which epoch, as Kafka's one line of JSON (`raft/QuorumStateData`, version 1), replaced
 * in one step and synced before the epoch is used:
 *
 *     {"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}
 */
import { CorruptError, ZERO_UUID } from '#core';
import type { Disk } from '#storage';

export interface QuorumState {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** @throws CorruptError when the file is there and not what it must be */
export async function readQuorumState(disk: Disk, file: string): Promise<QuorumState> {
  const bytes = await disk.readFile(file);
  if (bytes === undefined) return { leaderId: -1, leaderEpoch: 0 };
  try {
    const { leaderId, leaderEpoch } = JSON.parse(bytes.toString('utf8')) as Partial<QuorumState>;
    if (Number.isInteger(leaderId) && Number.isInteger(leaderEpoch)) {
      return { leaderId: leaderId!, leaderEpoch: leaderEpoch! };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CorruptError(`${file} does not name leaderId and leaderEpoch`, { file });
}

export async function writeQuorumState(disk: Disk, file: string, state: QuorumState): Promise<void> {
  const text = JSON.stringify({ ...state, votedId: -1, votedDirectoryId: ZERO_UUID, data_version: 1 });
  const temporary = `${file}.tmp`;
  const handle = disk.openSync(temporary, { create: true });
  try {
    handle.truncateSync(0);
    handle.writeSync([Buffer.from(text)], 0);
    await handle.sync();
  } finally {
    handle.close();
  }
  await disk.rename(temporary, file);
  await disk.syncDirectory(file.slice(0, file.lastIndexOf('/')));
}
