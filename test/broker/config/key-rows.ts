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
  /** It may change while the broker runs, and then means the same. */
  readonly isDynamic?: true;
}

/** A test for each row, and one more where the key may change while the broker runs. */
export function testKeys(rows: readonly KeyRow[]): void {
  test.each(rows)('$key=$value works', async (row) => {
    expect(await answer(row, {})).toBe(row.usually);
    expect(await answer(row, { [row.key]: row.value })).toBe(row.changed);
  });

  const dynamic = rows.filter(({ isDynamic }) => isDynamic);
  if (dynamic.length === 0) return;
  test.each(dynamic)('$key=$value works from when it is set on', async (row) => {
    expect(await answer(row, {}, { [row.key]: row.value })).toBe(row.changed);
  });
}

async function answer({ besides, ask }: KeyRow, given: Config, later?: Config): Promise<unknown> {
  const config = { ...besides, ...given };
  const scene = await Scene.start({ topics: { t: 1, four: 4 }, config });
  try {
    if (later !== undefined) await alterBroker(scene, later);
    return await ask(scene, config);
  } finally {
    await scene.close();
  }
}

/** Sets keys for all brokers. */
export async function alterBroker(scene: Scene, changes: Config): Promise<void> {
  const configs = Object.entries(changes).map(([name, value]) => ({ name, configOperation: 0, value: String(value) }));
  const resources = [{ resourceType: 4, resourceName: '', configs }];
  const { responses } = await scene.send(Apis.IncrementalAlterConfigs, { resources });
  expect(responses.map(errorOf)).toEqual(['NONE']);
}

export const errorOf = ({ errorCode }: { errorCode: number }) => errorByCode(errorCode).name;

/** @param keyType 0 of a group, 1 of a transactional id */
export async function findCoordinator(scene: Scene, keyType: 0 | 1 = 0): Promise<string> {
  const { coordinators } = await scene.send(Apis.FindCoordinator, { keyType, coordinatorKeys: ['g'] });
  return errorOf(coordinators[0]);
}
