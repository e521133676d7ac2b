/** Promises that hold for any group, tried on seeded random ones that live through many rounds. */
import { describe, expect, it } from '@jest/globals';
import { type Assignment, type Assignor, type AssignorMember, assignorByName, type TopicPartitionId } from '#assign';
import { type Random, seededRandom } from '#core';

const assignors = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'].map(assignorByName);
const stickyOnes = ['sticky', 'cooperative-sticky'].map(assignorByName);
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

/** A group as its members see it: who reads what, and what each got last. */
class Group {
  readonly assignor: Assignor;
  readonly random: Random;
  readonly isEqual: boolean;
  readonly partitionCounts = new Map<string, number>();
  readonly topicsOf = new Map<string, readonly string[]>();
  /** What each member holds now, after the last round. */
  held: Assignment = new Map();
  generationId = -1;
  #nextMember = 0;

  constructor(assignor: Assignor, seed: number, isEqual: boolean) {
    this.assignor = assignor;
    this.random = seededRandom(seed);
    this.isEqual = isEqual;
    const topicCount = 1 + this.below(4);
    for (let topic = 0; topic < topicCount; topic++) this.partitionCounts.set(`t${topic}`, this.below(15));
    const memberCount = 1 + this.below(7);
    for (let member = 0; member < memberCount; member++) this.addMember();
  }

  below(limit: number): number {
    return this.random.uint32() % limit;
  }

  addMember(): void {
    const all = [...this.partitionCounts.keys()];
    const some = this.isEqual ? all : all.filter(() => this.below(3) > 0);
    this.topicsOf.set(`m${this.below(1000)}-${this.#nextMember++}`, some.length > 0 ? some : all);
  }

  removeMember(): void {
    const ids = [...this.topicsOf.keys()];
    if (ids.length > 1) this.topicsOf.delete(ids[this.below(ids.length)]);
  }

  members(): Map<string, AssignorMember> {
    const isCooperative = this.assignor.protocols[0] === 'cooperative';
    const entries = [...this.topicsOf].map(([memberId, topics]) => {
      const lastAssignment = this.held.get(memberId) ?? null;
      const generationId = lastAssignment === null ? -1 : this.generationId;
      const userData = this.assignor.subscriptionUserData?.({ lastAssignment, generationId }) ?? null;
      const ownedPartitions = isCooperative ? (lastAssignment ?? []) : [];
      return [memberId, { topics, ownedPartitions, generationId, userData }] as const;
    });
    return new Map(entries);
  }

  /** One rebalance: everybody comes, and takes the result. */
  rebalance(): Assignment {
    const assignment = this.assignor.assign(this.partitionCounts, this.members());
    this.held = assignment;
    this.generationId += 1;
    return assignment;
  }

  /** Cooperative groups rebalance until nothing is left out; at most once more per change. */
  settle(): Assignment {
    this.rebalance();
    return this.assignor.protocols[0] === 'cooperative' ? this.rebalance() : this.held;
  }

  change(): void {
    const what = this.below(4);
    if (what === 0) this.addMember();
    else if (what === 1) this.removeMember();
    else if (what === 2) this.partitionCounts.set('t0', this.partitionCounts.get('t0')! + this.below(4));
  }
}

function key({ topic, partition }: TopicPartitionId): string {
  return `${topic}/${partition}`;
}

/** Throws when a promise is broken; `expect` once a partition would take most of the time of these tests. */
function promise(isKept: boolean, text: string): void {
  if (!isKept) throw new Error(text);
}

/** Partition → owner; fails when a partition has two. */
function owners(assignment: Assignment): Map<string, string> {
  const ownerOf = new Map<string, string>();
  for (const [memberId, partitions] of assignment) {
    for (const id of partitions) {
      if (ownerOf.has(key(id))) throw new Error(`${key(id)} is given to ${ownerOf.get(key(id))} and to ${memberId}`);
      ownerOf.set(key(id), memberId);
    }
  }
  return ownerOf;
}

function expectComplete(group: Group, assignment: Assignment): void {
  expect([...assignment.keys()].sort()).toEqual([...group.topicsOf.keys()].sort());
  const ownerOf = owners(assignment);
  for (const [topic, count] of group.partitionCounts) {
    const isRead = [...group.topicsOf.values()].some((topics) => topics.includes(topic));
    for (let partition = 0; partition < count; partition++) {
      const owner = ownerOf.get(key({ topic, partition }));
      promise((owner !== undefined) === isRead, `${topic}/${partition} is read: ${isRead}, given to ${owner}`);
      promise(owner === undefined || group.topicsOf.get(owner)!.includes(topic), `${owner} does not read ${topic}`);
      ownerOf.delete(key({ topic, partition }));
    }
  }
  promise(ownerOf.size === 0, `partitions that do not exist were given out: ${[...ownerOf.keys()]}`);
}

function loads(assignment: Assignment): number[] {
  return [...assignment.values()].map((partitions) => partitions.length);
}

describe.each(assignors.map((assignor) => [assignor.name, assignor] as const))('%s', (_, assignor) => {
  it.each([true, false])(
    'gives every partition to exactly one member that reads its topic (equal subscriptions: %s)',
    (isEqual) => {
      for (const seed of SEEDS) {
        const group = new Group(assignor, seed, isEqual);
        for (let round = 0; round < 8; round++) {
          expectComplete(group, group.settle());
          group.change();
        }
      }
    },
  );

  it('does not depend on the order in which members are listed, as long as nobody has held anything', () => {
    for (const seed of SEEDS) {
      const group = new Group(assignor, seed, false);
      const members = [...group.members()];
      const there = assignor.assign(group.partitionCounts, new Map(members));
      const back = assignor.assign(group.partitionCounts, new Map(members.reverse()));
      expect(owners(back)).toEqual(owners(there));
    }
  });

  it('has no trouble with no members, no topics and topics without partitions', () => {
    expect(assignor.assign(new Map([['t', 3]]), new Map()).size).toBe(0);
    const member: AssignorMember = { topics: [], ownedPartitions: [], generationId: -1, userData: null };
    expect(assignor.assign(new Map([['t', 3]]), new Map([['a', member]])).get('a')).toEqual([]);
    const reader = { ...member, topics: ['t', 'gone'] };
    expect(assignor.assign(new Map([['t', 0]]), new Map([['a', reader]])).get('a')).toEqual([]);
  });
});

describe.each(['roundrobin', 'sticky', 'cooperative-sticky'].map((name) => [name, assignorByName(name)] as const))(
  '%s with equal subscriptions',
  (_, assignor) => {
    it('gives no member more than one partition more than another', () => {
      for (const seed of SEEDS) {
        const group = new Group(assignor, seed, true);
        for (let round = 0; round < 8; round++) {
          const counts = loads(group.settle());
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
          group.change();
        }
      }
    });
  },
);

describe.each(stickyOnes.map((assignor) => [assignor.name, assignor] as const))('%s', (_, assignor) => {
  it.each([true, false])('moves nothing when nothing has changed (equal subscriptions: %s)', (isEqual) => {
    for (const seed of SEEDS) {
      const group = new Group(assignor, seed, isEqual);
      for (let round = 0; round < 8; round++) {
        const before = owners(group.settle());
        expect(owners(group.settle())).toEqual(before);
        group.change();
      }
    }
  });

  it('moves only the partitions of a member that left', () => {
    for (const seed of SEEDS) {
      const group = new Group(assignor, seed, true);
      const before = owners(group.settle());
      group.removeMember();
      const after = owners(group.settle());
      for (const [partition, owner] of before) {
        const isMoved = group.topicsOf.has(owner) && after.get(partition) !== owner;
        promise(!isMoved, `seed ${seed}: ${partition} moved from ${owner}, who stayed`);
      }
    }
  });

  it('moves to a new member no more than its share, and nothing between the others', () => {
    for (const seed of SEEDS) {
      const group = new Group(assignor, seed, true);
      const before = owners(group.settle());
      const known = new Set(group.topicsOf.keys());
      group.addMember();
      const after = owners(group.settle());
      const moved = [...after].filter(([partition, owner]) => before.get(partition) !== owner);
      for (const [partition, owner] of moved) promise(!known.has(owner), `seed ${seed}: ${partition} went to ${owner}`);
      expect(moved.length).toBeLessThanOrEqual(Math.ceil(after.size / group.topicsOf.size));
    }
  });

  it('believes the younger of two claims to a partition, and neither of two of the same generation', () => {
    const partitions = [0, 1, 2, 3].map((partition) => ({ topic: 't', partition }));
    const member = (generationId: number, owned: TopicPartitionId[]): AssignorMember => ({
      topics: ['t'],
      ownedPartitions: assignor.name === 'sticky' ? [] : owned,
      generationId,
      userData: assignor.subscriptionUserData!({ lastAssignment: owned, generationId }),
    });
    const stale = assignor.assign(
      new Map([['t', 4]]),
      new Map([
        ['old', member(1, partitions.slice(0, 2))],
        ['new', member(2, partitions.slice(0, 2))],
      ]),
    );
    expect(stale.get('new')).toEqual(partitions.slice(0, 2));
    const doubled = assignor.assign(
      new Map([['t', 4]]),
      new Map([
        ['a', member(2, partitions.slice(0, 2))],
        ['b', member(2, partitions.slice(1, 4))],
      ]),
    );
    // Nobody may go on reading t/1 in a cooperative group: it is given out in the next round only.
    const isGiven = [...owners(doubled).keys()].includes('t/1');
    expect(isGiven).toBe(assignor.name === 'sticky');
  });

  it('survives user data that makes no sense', () => {
    for (const userData of [
      Buffer.from('x'),
      Buffer.alloc(0),
      Buffer.from('7fffffff', 'hex'),
      Buffer.from('00000001ffff', 'hex'),
    ]) {
      const member: AssignorMember = { topics: ['t'], ownedPartitions: [], generationId: -1, userData };
      const assignment = assignor.assign(
        new Map([['t', 2]]),
        new Map([
          ['a', member],
          ['b', { ...member, userData: null }],
        ]),
      );
      expect(loads(assignment)).toEqual([1, 1]);
    }
  });
});

describe('cooperative-sticky', () => {
  it.each([true, false])(
    'never gives a partition to a new owner before the old one has dropped it (equal subscriptions: %s)',
    (isEqual) => {
      for (const seed of SEEDS) {
        const group = new Group(assignorByName('cooperative-sticky'), seed, isEqual);
        for (let round = 0; round < 20; round++) {
          const holders = owners(group.held);
          const after = owners(group.rebalance());
          for (const [partition, owner] of after) {
            const holder = holders.get(partition);
            const isFree = holder === undefined || holder === owner || !group.topicsOf.has(holder);
            promise(isFree, `seed ${seed}, round ${round}: ${owner} got ${partition} while ${holder} held it`);
          }
          if (group.below(2) === 0) group.change();
        }
      }
    },
  );
});

describe('range', () => {
  it('gives the same member the same partition numbers of topics with equal counts and readers', () => {
    const topics = ['x', 'y'];
    const member: AssignorMember = { topics, ownedPartitions: [], generationId: -1, userData: null };
    const members = new Map([
      ['b', member],
      ['a', member],
      ['z', { ...member, groupInstanceId: 'static' }],
    ]);
    const assignment = assignorByName('range').assign(
      new Map([
        ['x', 7],
        ['y', 7],
      ]),
      members,
    );
    const numbersOf = (memberId: string, topic: string) =>
      assignment
        .get(memberId)!
        .filter((id) => id.topic === topic)
        .map((id) => id.partition);
    for (const memberId of members.keys()) expect(numbersOf(memberId, 'x')).toEqual(numbersOf(memberId, 'y'));
    // Static members come first, then dynamic ones by id.
    expect(numbersOf('z', 'x')).toEqual([0, 1, 2]);
    expect(numbersOf('a', 'x')).toEqual([3, 4]);
  });
});

describe('assignors by name', () => {
  it.each([
    ['range', 'range'],
    ['org.apache.kafka.clients.consumer.CooperativeStickyAssignor', 'cooperative-sticky'],
    ['StickyAssignor', 'sticky'],
    ['org.apache.kafka.clients.consumer.RoundRobinAssignor', 'roundrobin'],
  ])('%s is %s', (name, expected) => {
    expect(assignorByName(name).name).toBe(expected);
  });

  it('an unknown one is refused with the nearest known', () => {
    expect(() => assignorByName('cooperative_sticky')).toThrow("did you mean 'cooperative-sticky'");
    expect(() => assignorByName('com.acme.Mine')).toThrow("there is no assignor 'com.acme.Mine'");
  });
});
