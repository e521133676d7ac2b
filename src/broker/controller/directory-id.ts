/** Ids of log directories, and the few that name none. Pure. @see KIP-858 */
import { type Uuid, ZERO_UUID } from '#core';

/** The broker has not said yet where it put the replica. */
export const UNASSIGNED_DIRECTORY: Uuid = 'AAAAAAAAAAAAAAAAAAAAAQ';
/** The replica is older than directories with ids. */
export const MIGRATING_DIRECTORY: Uuid = ZERO_UUID;
const LOST_DIRECTORY: Uuid = 'AAAAAAAAAAAAAAAAAAAAAg';

/** Whether a replica there can be served by a broker with these directories; none of them known counts as all of them. */
export function isOnlineDirectory(directoryId: Uuid, onlineIds: readonly Uuid[]): boolean {
  if (!isPlaced(directoryId)) return true;
  return directoryId !== LOST_DIRECTORY && (onlineIds.length === 0 || onlineIds.includes(directoryId));
}

/** Whether it says where a replica is. */
export function isPlaced(directoryId: Uuid): boolean {
  return directoryId !== UNASSIGNED_DIRECTORY && directoryId !== MIGRATING_DIRECTORY;
}
