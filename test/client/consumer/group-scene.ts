/** The coordinator's side of a group with one member of ours and as many imagined ones as a test likes. */
import { decodeSubscription, Errors, encodeAssignment } from '#protocol';
import type { FakeBroker } from './scene.ts';

export class FakeGroup {
  generationId = 0;
  /** What heartbeats are answered. */
  heartbeatErrorCode = Errors.NONE.code;
  /** Partitions of topic `t` that the next SyncGroup gives our member; undefined: what its own plan says. */
  given: number[] | undefined;
  readonly #broker: FakeBroker;
  #isMemberIdGiven = false;

  constructor(broker: FakeBroker) {
    this.#broker = broker;
    broker.on('JoinGroup', (body) => {
      if (body.memberId === '' && body.groupInstanceId === null) {
        this.#isMemberIdGiven = true;
        return { errorCode: Errors.MEMBER_ID_REQUIRED.code, memberId: 'member-1', protocolName: '' };
      }
      this.generationId += 1;
      this.heartbeatErrorCode = Errors.NONE.code;
      const memberId = body.memberId === '' ? 'static-1' : body.memberId;
      const { name: protocolName, metadata } = body.protocols[0];
      const isLeader = this.given === undefined;
      return {
        generationId: this.generationId,
        protocolType: 'consumer',
        protocolName,
        leader: isLeader ? memberId : 'somebody else',
        memberId,
        members: isLeader ? [{ memberId, groupInstanceId: body.groupInstanceId, metadata }] : [],
      };
    });
    broker.on('SyncGroup', (body) => ({
      protocolType: 'consumer',
      protocolName: body.protocolName,
      assignment: this.given === undefined ? body.assignments[0].assignment : assignmentOf(this.given),
    }));
    broker.on('Heartbeat', () => ({ errorCode: this.heartbeatErrorCode }));
  }

  get hasGivenMemberId(): boolean {
    return this.#isMemberIdGiven;
  }

  /** What our member said about itself in its last join. */
  lastSubscription() {
    return decodeSubscription(this.#broker.requests('JoinGroup').at(-1)!.protocols[0].metadata);
  }

  /** The group rebalances: the next heartbeat says so. */
  rebalance(given?: number[]): void {
    this.given = given;
    this.heartbeatErrorCode = Errors.REBALANCE_IN_PROGRESS.code;
  }
}

function assignmentOf(partitions: number[]): Buffer {
  return encodeAssignment({ assignedPartitions: [{ topic: 't', partitions }], userData: null });
}
