/** The lines of JSON that an agent reads and writes (agent.ts), for the clients that run in Node. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Loads a package from the folder into which the client was installed. */
export const require = createRequire(join(process.env.SPRINGTIDE_CLIENT_FOLDER ?? import.meta.dirname, 'package.json'));

/** The one version of a package that is pinned. */
export const versionOf = (name) => require('./package.json').dependencies[name];

/** Answers requests one after the other until the input ends. `nameOf` gives the kind of an error. */
export async function serve(verbs, nameOf) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { verb, ...args } = JSON.parse(line);
    let answer;
    try {
      answer = { ok: (await verbs[verb](args)) ?? null };
    } catch (error) {
      answer = { error: `${nameOf(error)}: ${error.message}` };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
}

/** Records that a client pushes, until they are polled; and by them the positions to commit. */
export class Arrivals {
  #records = [];
  #wake = () => {};
  positions = new Map();

  push(...records) {
    this.#records.push(...records);
    this.#wake();
  }

  /** What arrived, at once or within `ms`. */
  async take(ms) {
    if (this.#records.length === 0) {
      await new Promise((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, ms);
      });
    }
    const taken = this.#records.splice(0);
    for (const { topic, partition, offset } of taken) this.positions.set(`${topic} ${partition}`, offset + 1);
    return taken;
  }

  /** `[topic, partition, next offset]` of all that were polled */
  polled() {
    return [...this.positions].map(([key, offset]) => [...key.split(' '), offset]);
  }
}

export const text = (bytes) => (bytes === null || bytes === undefined ? null : bytes.toString());
