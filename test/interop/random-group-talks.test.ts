/**
 * Talks with group coordinators in which the next word is left to chance, by seed: members of both protocols join, take what they are given or only some of it,
 * read other topics, ask with epochs of before, commit, leave for good or for a while. Apache Kafka and we must answer every word alike. `SEEDS=7,8` takes others.
 */
import { beforeAll, expect, test } from '@jest/globals';
import { type Random, seededRandom } from '#core';
import { coordinatorIsReady, GroupTalk, talkSettings } from './groups-on-both.ts';
import { BROKER_NAMES, bothBrokers, onBoth } from './kafka/brokers.ts';

const SEEDS = (process.env['SEEDS'] ?? '1,2,3,4,5,6').split(',').map(Number);
const STEPS = 60;

interface Member {
  readonly name: string;
  readonly instance: string | undefined;
  readonly isClassic: boolean;
  epoch: number;
  /** What it was given last, as words of commands. */
  uses: string[];
}

const brokers = bothBrokers(talkSettings);

beforeAll(async () => {
  await onBoth((name) => coordinatorIsReady(brokers[name].bootstrapServers));
});

test.each(SEEDS)('seed %d', async (seed) => {
  const talks = BROKER_NAMES.map((name) => new GroupTalk(brokers[name].bootstrapServers));
  const speakers = new Speakers(seededRandom(seed), seed);
  const said: string[] = [];
  try {
    for (let step = 0; step < STEPS; step++) {
      for (const command of step === 0 ? speakers.begin() : speakers.next()) {
        const [[ours], [kafkas]] = await Promise.all(talks.map((talk) => talk.run([command])));
        expect([...said, inOrder(ours)]).toEqual([...said, inOrder(kafkas)]);
        said.push(ours);
        speakers.hear(command, ours.slice(command.length + 3));
      }
    }
  } finally {
    for (const talk of talks) talk.close();
  }
});

class Speakers {
  readonly #random: Random;
  readonly #group: string;
  readonly #topics: readonly string[];
  readonly #partitionCounts: number[] = [4, 3];
  readonly #members: Member[] = [];
  /** Static members that left for a while. */
  readonly #away: string[] = [];
  #nextName = 0;

  constructor(random: Random, seed: number) {
    this.#random = random;
    this.#group = `g${seed}`;
    this.#topics = [`t${seed}`, `u${seed}`];
  }

  begin(): string[] {
    return [`topics ${this.#topics[0]}=4 ${this.#topics[1]}=3`];
  }

  next(): string[] {
    const member = this.#pick(this.#members);
    if (member === undefined || (this.#members.length < 4 && this.#chance(0.15))) return this.#join();
    if (this.#chance(0.1)) return [`cdescribe ${this.#group}`];
    if (this.#chance(0.03)) return [`list types=consumer`, `describe ${this.#group}`];
    if (this.#chance(0.03)) return this.#grow();
    return member.isClassic ? this.#classicWord(member) : this.#word(member);
  }

  /** Takes note of an answer. */
  hear(command: string, answer: string): void {
    const [name, , who] = command.split(' ');
    const member = this.#members.find((each) => each.name === who || command.includes(`member=$${each.name} `));
    if (member === undefined) return;
    const isGone = /^(UNKNOWN_MEMBER_ID|FENCED)/.test(answer) && !command.includes('stale');
    const epoch = /^\S+ epoch (-?\d+)/.exec(answer)?.[1] ?? /^generation (\d+)/.exec(answer)?.[1];
    if (isGone || Number(epoch) < 0) this.#forget(member);
    else if (epoch !== undefined && (name === 'member' || name === 'join')) member.epoch = Number(epoch);
    const uses = / uses (.*)$/.exec(answer)?.[1] ?? /assigned (.*)$/.exec(answer)?.[1];
    if (uses !== undefined) member.uses = wordsOf(uses);
  }

  #join(): string[] {
    const consumers = this.#members.filter(({ isClassic }) => !isClassic);
    const mayBeClassic = consumers.length > 0 && consumers.length === this.#members.length;
    const isClassic = mayBeClassic && this.#chance(0.3);
    const name = `${isClassic ? 'classic' : 'abdefhij'[this.#nextName % 8]}${this.#nextName++}`;
    const back = this.#chance(0.7) ? this.#away.pop() : undefined;
    const instance = isClassic ? `s${name}` : (back ?? (this.#chance(0.3) ? `i${name}` : undefined));
    this.#members.push({ name, instance, isClassic, epoch: 0, uses: [] });
    if (isClassic) return [`join ${this.#group} as=${name} instance=s${name} protocols=range:${this.#subscription()}`];
    const static_ = instance === undefined ? '' : ` instance=${instance}`;
    return [`member ${this.#group} ${name} reads=${this.#subscription()} assignor=range${static_}`];
  }

  #word(member: Member): string[] {
    const { name, epoch, uses, instance } = member;
    const static_ = instance === undefined ? '' : ` instance=${instance}`;
    const say = (epoch: number, rest = '') => [`member ${this.#group} ${name} epoch=${epoch}${static_}${rest}`];
    const owns = (words: readonly string[]) => ` owns=${words.join(',') || '-'}`;
    const roll = this.#random.uint32() % 100;
    if (roll < 30) return say(epoch);
    if (roll < 60) return say(epoch, owns(uses));
    if (roll < 66) return say(epoch, owns(uses.filter(() => this.#chance(0.5))));
    if (roll < 72) return say(epoch, ` reads=${this.#subscription()}`);
    if (roll < 76) return say(epoch, ` reads=${this.#subscription()} rebalance=50000${owns(uses)}`);
    if (roll < 80) return say(epoch - 1, owns(uses));
    if (roll < 81) return say(epoch + 1);
    if (roll < 90) {
      const of = this.#chance(0.7) ? epoch : epoch - 1;
      return [`commit ${this.#group} member=${name} gen=${of} ${this.#topics[0]}/0=${this.#random.uint32() % 100}`];
    }
    if (roll < 92) return [`fetch ${this.#group} member=${name} epoch=${epoch}`];
    const isLast = this.#members.filter(({ isClassic }) => !isClassic).length === 1 && this.#members.length > 1;
    // Classic members alone wait for each other.
    if (isLast) return say(epoch);
    if (instance === undefined || this.#chance(0.3)) return say(-1);
    this.#away.push(instance);
    return say(-2);
  }

  #classicWord(member: Member): string[] {
    const { name, epoch } = member;
    const speaker = `${this.#group} member=$${name} instance=${member.instance}`;
    const roll = this.#random.uint32() % 100;
    if (roll < 50) return [`heartbeat ${speaker} gen=${epoch}`];
    if (roll < 85) {
      const subscription = `${this.#subscription()}`;
      const join = `join ${speaker} protocols=range:${subscription}`;
      return [`${join} owns=${member.uses.join(',')}`];
    }
    if (roll < 95) return [`sync ${speaker} gen=${epoch} type=consumer protocol=range`];
    this.#forget(member);
    return [`leave ${this.#group} $${name}@${member.instance}`];
  }

  #grow(): string[] {
    const index = this.#random.uint32() % 2;
    if (this.#partitionCounts[index] > 6) return [];
    return [`grow ${this.#topics[index]}=${++this.#partitionCounts[index]}`];
  }

  #subscription(): string {
    return this.#pick([this.#topics[0], this.#topics[1], this.#topics.join('+'), this.#topics.join('+')])!;
  }

  #forget(member: Member): void {
    const index = this.#members.indexOf(member);
    if (index >= 0) this.#members.splice(index, 1);
  }

  #chance(share: number): boolean {
    return this.#random.uint32() % 1000 < share * 1000;
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#random.uint32() % Math.max(items.length, 1)];
  }
}

/** Topics that a member reads, and partitions that it has, come in no order. */
function inOrder(answer: string): string {
  const sorted = (words: string, separator: string) => words.split(separator).sort().join(separator);
  return answer
    .replace(/reads (\S+)/g, (_, topics: string) => `reads ${sorted(topics, '+')}`)
    .replace(/\/(\d+(?:,\d+)+)/g, (_, partitions: string) => `/${sorted(partitions, ',')}`);
}

/** `t/0,1 u/2` as `t/0`, `t/1`, `u/2`. */
function wordsOf(text: string): string[] {
  return text.split(' ').flatMap((word) => {
    const [topic, partitions] = word.split('/');
    return partitions === undefined ? [] : partitions.split(',').map((partition) => `${topic}/${partition}`);
  });
}
