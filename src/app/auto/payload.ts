/** Auto-configuration of payloads: how a record's value becomes an instance of the class that a listener's parameter declares. */
import type { BeanDefinition } from '#context';
import { PayloadConverter } from '#message';
import { loadTransformer, loadValidator } from '../payload-libraries.ts';

export function payloadDefinitions(): BeanDefinition[] {
  return [
    {
      name: 'payloadConverter',
      type: PayloadConverter,
      create: async () =>
        new PayloadConverter({ transformer: await loadTransformer(), validator: await loadValidator() }),
      yieldsTo: 'type',
      origin: 'auto-configuration of payloads',
    },
  ];
}
