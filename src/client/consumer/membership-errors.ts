/** What each error of the group APIs means for a member: one verdict per error, as in Java's AbstractCoordinator. ◇ */
import { Errors } from '#protocol';

/**
 * | verdict      | the member                                                                    |
 * |--------------|-------------------------------------------------------------------------------|
 * | ok           | goes on                                                                       |
 * | retry        | does the same again after a back-off                                          |
 * | coordinator  | looks for the coordinator, then does the same again                           |
 * | rejoin       | joins again with its member id                                                |
 * | new-id       | joins again with the member id of the answer (KIP-394)                        |
 * | expelled     | is no member any more: partitions are lost, joins as a new member              |
 * | outdated     | missed a generation: partitions are lost, joins again with its member id       |
 * | fenced       | was replaced by another consumer with its group.instance.id; ends for good     |
 * | fail         | tells the application, and tries again at the next poll                        |
 */
export type Verdict =
  | 'ok'
  | 'retry'
  | 'coordinator'
  | 'rejoin'
  | 'new-id'
  | 'expelled'
  | 'outdated'
  | 'fenced'
  | 'fail';

const EVERYWHERE: readonly [number, Verdict][] = [
  [Errors.NONE.code, 'ok'],
  [Errors.COORDINATOR_NOT_AVAILABLE.code, 'coordinator'],
  [Errors.NOT_COORDINATOR.code, 'coordinator'],
  [Errors.COORDINATOR_LOAD_IN_PROGRESS.code, 'retry'],
  [Errors.UNKNOWN_MEMBER_ID.code, 'expelled'],
  [Errors.ILLEGAL_GENERATION.code, 'outdated'],
  [Errors.FENCED_INSTANCE_ID.code, 'fenced'],
];

const VERDICTS = {
  JoinGroup: new Map<number, Verdict>([
    ...EVERYWHERE,
    [Errors.MEMBER_ID_REQUIRED.code, 'new-id'],
    [Errors.REBALANCE_IN_PROGRESS.code, 'retry'],
  ]),
  SyncGroup: new Map<number, Verdict>([...EVERYWHERE, [Errors.REBALANCE_IN_PROGRESS.code, 'rejoin']]),
  Heartbeat: new Map<number, Verdict>([...EVERYWHERE, [Errors.REBALANCE_IN_PROGRESS.code, 'rejoin']]),
} as const;

export type GroupApi = keyof typeof VERDICTS;

export function verdictOn(api: GroupApi, errorCode: number): Verdict {
  return VERDICTS[api].get(errorCode) ?? 'fail';
}

/** What to tell people about errors that end a join, beyond the error's own text. */
const ADVICE = new Map<number, string>([
  [
    Errors.INCONSISTENT_GROUP_PROTOCOL.code,
    'The members of a group need one assignor that all of them have: compare partition.assignment.strategy, and that all are consumers.',
  ],
  [
    Errors.INVALID_SESSION_TIMEOUT.code,
    'Choose session.timeout.ms within the broker’s group.min.session.timeout.ms and group.max.session.timeout.ms.',
  ],
  [Errors.GROUP_MAX_SIZE_REACHED.code, 'The group has as many members as group.max.size of the broker allows.'],
  [Errors.INVALID_GROUP_ID.code, 'Choose another group.id.'],
  [
    Errors.FENCED_INSTANCE_ID.code,
    'A second consumer runs under this group.instance.id and has replaced this one. Give each consumer of the group its own id.',
  ],
]);

export function adviceOn(errorCode: number): string {
  return ADVICE.get(errorCode) ?? '';
}
