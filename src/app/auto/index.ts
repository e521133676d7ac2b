/** All parts of the auto-configuration, in the order in which their beans are made when nothing else decides. */
import type { ApplicationContext, BeanDefinition } from '#context';
import { LoggerFactory } from '#context';
import { adminDefinitions, makeTopicsWhenReady } from './admin.ts';
import { brokerDefinitions } from './broker.ts';
import { listenerDefinitions, registerListenersWhenReady } from './listener.ts';
import type { AutoConfigurationParts } from './parts.ts';
import { payloadDefinitions } from './payload.ts';
import { producerDefinitions } from './producer.ts';

/** Registers what the settings ask for; every bean steps back for one of the user's. */
export function autoConfigure(context: ApplicationContext, parts: AutoConfigurationParts): void {
  const logging: BeanDefinition = {
    name: 'loggerFactory',
    type: LoggerFactory,
    create: () => parts.logging,
    destroy: () => parts.logging.flush(),
    yieldsTo: 'type',
    origin: 'auto-configuration of logging',
  };
  const definitions = [
    logging,
    ...brokerDefinitions(parts),
    ...producerDefinitions(parts),
    ...adminDefinitions(parts),
    ...payloadDefinitions(),
    ...listenerDefinitions(context, parts),
  ];
  for (const definition of definitions) context.register(definition);
  makeTopicsWhenReady(context);
  registerListenersWhenReady(context, parts);
}
