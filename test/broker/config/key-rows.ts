/** What shows that keys do what they say: the same question to a broker without the key, and to one with it. */
import { expect, test } from '@jest/globals';
import { Apis, errorByCode } from '#protocol';
import { Scene } from '../scene.ts';

export type Config = Readonly<Record<string, unknown>>;

export interface KeyRow {
  readonly key: string;
  readonly value: string | number;
  /** What both brokers have besides. */
  readonly besides?: Config;
  /** Of a broker with the topics `t`, of one partition, and `four`, of four. `config` is what its scene was started with. */
  readonly ask: (scene: Scene, config: Config) => Promise<unknown>;
  readonly usually: unknown;
  readonly changed: unknown;
}

/** A test for each row. */
export function testKeys(rows: readonly KeyRow[]): void {
  test.each(rows)('$key=$value works', async (row) => {
    expect(await answer(row, {})).toBe(row.usually);
    expect(await answer(row, { [row.key]: row.value })).toBe(row.changed);
  });
}

async function answer({ besides, ask }: KeyRow, changes: Config): Promise<unknown> {
  const config = { ...besides, ...changes };
  const scene = await Scene.start({ topics: { t: 1, four: 4 }, config });
  try {
    return await ask(scene, config);
  } finally {
    await scene.close();
  }
}

export const errorOf = ({ errorCode }: { errorCode: number }) => errorByCode(errorCode).name;

/** @param keyType 0 of a group, 1 of a transactional id */
export async function findCoordinator(scene: Scene, keyType: 0 | 1 = 0): Promise<string> {
  const { coordinators } = await scene.send(Apis.FindCoordinator, { keyType, coordinatorKeys: ['g'] });
  return errorOf(coordinators[0]);
}
