/**
 * Matching the topic patterns of a group against the names of all topics, some of them a turn. All patterns of a group are matched together, so
 * that a change of topics is one rebalance. Ephemeral: when it is lost, the next heartbeat of a member begins it anew.
 */
import type { ClusterView } from '../cluster-view.ts';
import { limits } from '../config.ts';
import type { ResolvedRegex } from './consumer-group.ts';
import { compileTopicPattern, type TopicPattern } from './topic-pattern.ts';

export class RegexRefresh {
  readonly #version: number;
  readonly #timestampMs: number;
  readonly #mayKnow: (topic: string) => boolean;
  readonly #names: readonly string[];
  #position = 0;
  readonly #patterns = new Map<string, TopicPattern | undefined>();
  readonly #topics = new Map<string, Set<string>>();

  /** `mayKnow`: whether the member that caused it may know of a topic. */
  constructor(cluster: ClusterView, regexes: Iterable<string>, mayKnow: (topic: string) => boolean, wallMs: number) {
    this.#version = cluster.version;
    this.#timestampMs = wallMs;
    this.#mayKnow = mayKnow;
    this.#names = [...cluster.topicNames()];
    for (const regex of regexes) {
      const pattern = compileTopicPattern(regex);
      // It was accepted before; a log may hold one of another engine, which then stands for nothing.
      this.#patterns.set(regex, 'problem' in pattern ? undefined : pattern);
      this.#topics.set(regex, new Set());
    }
  }

  /** @returns what came of it, or undefined when there is more to do in another turn */
  step(): ReadonlyMap<string, ResolvedRegex> | undefined {
    for (let steps = 0; this.#position < this.#names.length; this.#position++) {
      if (steps > limits.regexStepsPerTurn) return undefined;
      steps += this.#match(this.#names[this.#position]);
    }
    const { version, timestampMs } = { version: this.#version, timestampMs: this.#timestampMs };
    return new Map([...this.#topics].map(([regex, topics]) => [regex, { topics, version, timestampMs }]));
  }

  /** @returns how many steps it took, at most */
  #match(name: string): number {
    let steps = 0;
    for (const [regex, pattern] of this.#patterns) {
      if (pattern === undefined) continue;
      steps += pattern.size * (name.length + 1);
      if (pattern.matches(name) && this.#mayKnow(name)) this.#topics.get(regex)!.add(name);
    }
    return steps;
  }
}
