/** UpdateFeatures (KIP-584): raises, lowers or turns off feature levels. v1 names the kind of change and can only validate. */
import { array, bool, type Infer, int8, int16, int32, message, string } from '../schema.ts';

export const UpdateFeaturesRequest = message(
  'UpdateFeaturesRequest',
  { apiKey: 57, type: 'request', versions: '0-2', flexibleVersions: '0+' },
  {
    timeoutMs: int32({ default: 60000 }),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool({ versions: '0' }),
      upgradeType: int8({ versions: '1+', default: 1 }),
    }),
    validateOnly: bool({ versions: '1+' }),
  },
);
export type UpdateFeaturesRequest = Infer<typeof UpdateFeaturesRequest>;

export const UpdateFeaturesResponse = message(
  'UpdateFeaturesResponse',
  { apiKey: 57, type: 'response', versions: '0-2', flexibleVersions: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    results: array(
      { feature: string(), errorCode: int16(), errorMessage: string({ nullable: '0+' }) },
      { versions: '0-1', ignorable: true },
    ),
  },
);
export type UpdateFeaturesResponse = Infer<typeof UpdateFeaturesResponse>;
