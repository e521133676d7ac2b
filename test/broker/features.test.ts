/** UpdateFeatures over the wire: what the scripts of the controller show in full, in the words of each version. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, Errors } from '#protocol';
import { Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

const METADATA_33 = { feature: 'metadata.version', maxVersionLevel: 33 };

describe('UpdateFeatures', () => {
  it.each([0, 1, 2])(
    'version %d sets a level that is supported; the results per feature end with version 1',
    async (version) => {
      scene = await Scene.start();
      const answer = await scene.send(Apis.UpdateFeatures, { featureUpdates: [METADATA_33] }, version);
      expect(answer).toMatchObject({ errorCode: 0, errorMessage: null });
      expect(answer.results).toEqual(
        version < 2 ? [{ feature: 'metadata.version', errorCode: 0, errorMessage: 'NONE' }] : [],
      );
    },
  );

  it.each([0, 1, 2])('version %d changes nothing when one of the features cannot be had', async (version) => {
    scene = await Scene.start();
    const featureUpdates = [METADATA_33, { feature: 'share.version', maxVersionLevel: 1 }];
    const answer = await scene.send(Apis.UpdateFeatures, { featureUpdates }, version);
    expect(answer).toMatchObject({ errorCode: Errors.INVALID_UPDATE_VERSION.code, results: [] });
    expect(answer.errorMessage).toMatch(/^Nothing was changed: share\.version/);
  });

  it('needs the right to alter the cluster', async () => {
    scene = await Scene.start({ authorizer: { allows: () => false } });
    const { errorCode } = await scene.send(Apis.UpdateFeatures, { featureUpdates: [METADATA_33] });
    expect(errorCode).toBe(Errors.CLUSTER_AUTHORIZATION_FAILED.code);
  });
});
