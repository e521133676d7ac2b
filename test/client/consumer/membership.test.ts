import { KafkaError } from '#core';
import { errorByName } from '#protocol';
import { type Effect, Membership, type MembershipOptions } from '../../../src/client/consumer/membership.ts';
import { describeScripts, list, type ScriptCommand } from '../../scripts/script.ts';

/**
 * Commands: `now`, `rejoin`, `poll`, `prepared`, `completed`, `coordinator`, `coordinator-lost`, `join`, `assigned`, `sync`, `heartbeat`, `commit`,
 * `failed` (no answer), `timer`, `leave`. Each answers with its effects, one per line, and the state after it.
 */
class Member {
  nowMs = 0;
  readonly #membership: Membership;

  constructor(options: Partial<MembershipOptions>) {
    this.#membership = new Membership({
      groupInstanceId: null,
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 3_000,
      pollIntervalMaxMs: 30_000,
      retryBackoffMs: 100,
      retryBackoffMaxMs: 1_000,
      ...options,
    });
  }

  answer(command: ScriptCommand): string {
    const before = this.#membership.generation;
    const effects = this.#run(command);
    const { state, generation, fatal } = this.#membership;
    const member =
      generation === before ? '' : ` generation=${generation.generationId} member=${generation.memberId || '-'}`;
    const end = fatal === undefined ? '' : ` fatal=${fatal.code}`;
    return [...effects.map(describeEffect), `= ${state}${member} next=${this.#membership.next()}${end}`].join('\n');
  }

  #run(command: ScriptCommand): Effect[] {
    const { words, args } = command;
    const attempt = Number(args['attempt'] ?? 1);
    const errorCode = errorByName(args['error'] ?? 'NONE')!.code;
    const member = this.#membership;
    switch (command.name) {
      case 'now':
        this.nowMs = Number(words[0]);
        return [];
      case 'rejoin':
        return member.requestRejoin(words[0]);
      case 'poll':
        return member.polled(this.nowMs);
      case 'prepared':
        return member.prepared();
      case 'completed':
        return member.completed();
      case 'coordinator':
        return member.coordinatorFound(this.nowMs);
      case 'coordinator-lost':
        return member.coordinatorLost(words[0]);
      case 'join':
        return member.joinAnswered(attempt, joinAnswer(command, errorCode), this.nowMs);
      case 'assigned':
        return member.assigned(
          attempt,
          words.map((memberId) => ({ memberId, assignment: Buffer.alloc(0) })),
        );
      case 'sync':
        return member.syncAnswered(attempt, { ...NOTHING, errorCode, assignment: Buffer.alloc(0) }, this.nowMs);
      case 'heartbeat':
        return member.heartbeatAnswered(member.generation, errorCode, this.nowMs);
      case 'commit':
        return member.commitRefused(member.generation, errorCode);
      case 'failed':
        return member.requestFailed(
          attempt,
          new KafkaError('NETWORK_EXCEPTION', 'connection lost', { retriable: true }),
        );
      case 'timer':
        return member.timerFired(words[0] as 'heartbeat' | 'retry', this.nowMs);
      case 'leave':
        return member.leave(words[0]);
      default:
        throw new Error(`no command ${command.name}`);
    }
  }
}

const NOTHING = { throttleTimeMs: 0, protocolType: null, protocolName: null };

function joinAnswer({ args }: ScriptCommand, errorCode: number): Parameters<Membership['joinAnswered']>[1] {
  const members = list(args['members']).map((memberId) => ({
    memberId,
    groupInstanceId: null,
    metadata: Buffer.alloc(0),
  }));
  return {
    ...NOTHING,
    errorCode,
    generationId: Number(args['generation'] ?? -1),
    protocolName: 'range',
    leader: args['leader'] ?? '',
    memberId: args['member'] ?? '',
    members,
    skipAssignment: args['skip'] === 'true',
  };
}

function describeEffect(effect: Effect): string {
  switch (effect.type) {
    case 'join':
      return `send JoinGroup #${effect.attempt} member=${effect.memberId || '-'} because ${effect.reason}`;
    case 'assign':
      return `assign #${effect.attempt} by ${effect.protocolName} to ${effect.members.map(({ memberId }) => memberId)}${effect.isSkipped ? ' (skipped)' : ''}`;
    case 'sync':
      return `send SyncGroup #${effect.attempt} generation=${effect.generation.generationId} for ${effect.assignments.map(({ memberId }) => memberId).join(',') || '-'}`;
    case 'heartbeat':
      return `send Heartbeat generation=${effect.generation.generationId} member=${effect.generation.memberId}`;
    case 'leave':
      return `send LeaveGroup member=${effect.memberId} because ${effect.reason}`;
    case 'find-coordinator':
      return 'find the coordinator';
    case 'timer':
      return effect.delayMs === null ? `stop timer ${effect.name}` : `timer ${effect.name} in ${effect.delayMs} ms`;
    case 'wake':
      return 'wake poll';
    case 'fail':
      return `poll throws ${effect.error.code}`;
    case 'log':
      return `${effect.level}: ${effect.text}`;
  }
}

describeScripts('a member of a consumer group', new URL('./testdata/membership/', import.meta.url), (file) => {
  const member = new Member(file.startsWith('static') ? { groupInstanceId: 'instance-1' } : {});
  return (command) => member.answer(command);
});
