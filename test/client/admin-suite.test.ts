/** The admin suite on our broker. */
import { afterAll } from '@jest/globals';
import { EmbeddedKafka } from '#testing';
import { adminSuite } from './suite/admin.ts';

let kafka: EmbeddedKafka | undefined;

afterAll(() => kafka?.close());

adminSuite(async () => {
  kafka = await EmbeddedKafka.start();
  return kafka;
});
