/** Asks both brokers everything that a chapter has to ask, one after the other, and collects where they differ. */
import { seededRandom } from '#core';
import { type Api, Apis, type ApiVersionsResponse } from '#protocol';
import { type Accepted, rowFor, unanswered } from './accepted.ts';
import type { Chapter } from './chapters/chapter.ts';
import { type Difference, differencesOf } from './differences.ts';
import type { Question } from './question.ts';
import type { QuestionedBroker } from './questioned-broker.ts';
import { type Lattice, pairsOf, variantsOf } from './variants.ts';

export interface Extent {
  /** Whether all versions of an API are tried, or the ends of the range and one between; and what Kafka never answers. */
  readonly isWhole: boolean;
  /** Requests a version with two changes. */
  readonly pairCount: number;
  readonly seed: number;
}

export interface Result {
  /** Those that no row describes. */
  readonly differences: Difference[];
  readonly accepted: Set<Accepted>;
  askedCount: number;
  /** Without what was only asked so that something is there, by chapter. */
  readonly comparedCounts: Map<string, number>;
}

export class DifferentialRun {
  readonly result: Result = { differences: [], accepted: new Set(), askedCount: 0, comparedCounts: new Map() };
  readonly #kafka: QuestionedBroker;
  readonly #ours: QuestionedBroker;
  readonly #extent: Extent;
  #chapter = '';
  /** Highest version that we announce, by key. */
  readonly #announced = new Map<number, number>();

  constructor(kafka: QuestionedBroker, ours: QuestionedBroker, extent: Extent) {
    this.#kafka = kafka;
    this.#ours = ours;
    this.#extent = extent;
  }

  async start(): Promise<void> {
    for (const broker of [this.#kafka, this.#ours])
      await broker.ask({ api: Apis.DescribeCluster, version: 0, change: '', body: {} });
    const outcome = await this.#ours.ask({ api: Apis.ApiVersions, version: 0, change: '', body: {} });
    if (outcome.kind !== 'reply') throw new Error('the broker does not answer ApiVersions');
    for (const { apiKey, maxVersion } of (outcome.reply as unknown as ApiVersionsResponse).apiKeys)
      this.#announced.set(apiKey, maxVersion);
  }

  async chapter(chapter: Chapter): Promise<void> {
    this.#freshen();
    this.#chapter = chapter.name;
    try {
      for (const question of chapter.scenery) await this.#ask(question);
      for (const lattice of chapter.lattices) await this.#lattice(chapter, lattice);
      for (const question of chapter.conversations ?? []) await this.#ask(question);
    } finally {
      for (const broker of [this.#kafka, this.#ours]) broker.hangUp();
    }
  }

  async #lattice(chapter: Chapter, lattice: Lattice): Promise<void> {
    const { api } = lattice;
    const before = chapter.before?.(api.name) ?? [];
    for (const version of this.#versions(lattice)) {
      const random = seededRandom(this.#extent.seed * 1000 + api.key * 20 + version);
      const variants = [...variantsOf(lattice, version), ...pairsOf(lattice, version, this.#extent.pairCount, random)];
      for (const { change, body } of variants) {
        this.#freshen();
        for (const question of before) await this.#ask(question);
        const mayBeSilent = isUnanswered(api, change);
        if (this.#extent.isWhole || !mayBeSilent)
          await this.#ask({ api, version, change, body, running: lattice.running, mayBeSilent });
      }
    }
  }

  #versions({ api, versions }: Lattice): number[] {
    const newest = this.#announced.get(api.key);
    if (newest === undefined) return [];
    const all = versions ?? range(api, newest);
    if (this.#extent.isWhole || all.length < 4) return [...all];
    const between = 1 + (seededRandom(this.#extent.seed + api.key).uint32() % (all.length - 2));
    return [all[0], all[between], all.at(-1)!];
  }

  #freshen(): void {
    for (const { words } of [this.#kafka, this.#ours]) {
      words.set('@fresh', `fresh-${this.result.askedCount}`);
      words.set('@group', `group-${this.result.askedCount}`);
      words.set('@txn', `txn-${this.result.askedCount}`);
    }
  }

  async #ask(question: Question): Promise<void> {
    if (!this.#announced.has(question.api.key)) return;
    this.result.askedCount++;
    const [kafka, ours] = await Promise.all([this.#kafka.ask(question), this.#ours.ask(question)]);
    if (question.isOnlyAsked) return;
    const { comparedCounts } = this.result;
    comparedCounts.set(this.#chapter, (comparedCounts.get(this.#chapter) ?? 0) + 1);
    for (const difference of differencesOf(question, [this.#kafka, kafka], [this.#ours, ours])) {
      const row = rowFor(difference);
      if (row === undefined) this.result.differences.push(difference);
      else this.result.accepted.add(row);
    }
  }
}

function isUnanswered(api: Api, change: string): boolean {
  return unanswered.some((row) => row.api === api.name && row.change?.test(change));
}

function range({ minVersion }: Api, newest: number): number[] {
  return Array.from({ length: newest - minVersion + 1 }, (_, index) => minVersion + index);
}
