import { describe, expect, test } from '@jest/globals';
import { Service, SpringtideApplication } from '#app';
import { run } from './run.ts';

describe('components', () => {
  @Service()
  class Listed {}
  @Service()
  class Unlisted {}

  test('are those that are listed at the main class, or else every decorated class that was loaded', async () => {
    @SpringtideApplication({ components: [Listed] })
    class Main {}
    await using listed = await run(undefined, {}, Main);
    expect([listed.has(Listed), listed.has(Unlisted), listed.has(Main)]).toEqual([true, false, true]);
    class Plain {}
    await using all = await run(undefined, {}, Plain);
    expect([all.has(Listed), all.has(Unlisted), all.has(Plain)]).toEqual([true, true, true]);
  });
});
