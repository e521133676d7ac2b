/**
 * What a consumer must do against any Kafka: run by our tests on our broker and by the interop tests on Apache Kafka. Every test has topics and
 * groups of its own, so the suite can run on a broker that others use.
 */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { commitTests } from './consumer-commits.ts';
import { groupTests } from './consumer-groups.ts';
import { readingTests } from './consumer-reading.ts';
import { type Connect, ConsumerScene } from './consumer-scene.ts';

/** Registers the suite's tests. `connect` is called once, before the first of them. */
export function consumerSuite(connect: Connect): void {
  let opened: ConsumerScene | undefined;
  const scene = (): ConsumerScene => opened as ConsumerScene;
  beforeAll(async () => {
    opened = await ConsumerScene.open(connect);
  });
  afterAll(() => opened?.close());
  describe('a consumer', () => {
    readingTests(scene);
    commitTests(scene);
    groupTests(scene);
  });
}
