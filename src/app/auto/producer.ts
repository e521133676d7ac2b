/** Auto-configuration of sending: the producer factory and the template on it. */
import { type BeanDefinition, dependsOn } from '#context';
import { MessagingMessageConverter } from '#message';
import { DefaultKafkaProducerFactory, KafkaTemplate, type ProducerListener } from '#template';
import { KafkaConnection } from '../kafka-connection.ts';
import { BEAN_NAMES } from '../overlooked-beans.ts';
import { defaultSerializer } from '../serializers.ts';
import { type AutoConfigurationParts, withClientId } from './parts.ts';

const ORIGIN = 'auto-configuration of sending';

export function producerDefinitions(parts: AutoConfigurationParts): BeanDefinition[] {
  return [producerFactory(parts), template(parts)];
}

function producerFactory(parts: AutoConfigurationParts): BeanDefinition {
  return {
    name: 'kafkaProducerFactory',
    type: DefaultKafkaProducerFactory,
    dependencies: [dependsOn(KafkaConnection, ORIGIN)],
    create: (connection: KafkaConnection) => {
      const config = connection.apply(withClientId(parts.properties.clientConfig('producer'), parts, 'producer'));
      return new DefaultKafkaProducerFactory(config, {
        transport: connection.transport,
        logger: parts.logging.getLogger('springtide.producer'),
        physicalCloseTimeoutMs: parts.properties.get<number>('template.close-timeout'),
        ...(config['key.serializer'] === undefined ? { keySerializer: defaultSerializer(config, true) } : {}),
        ...(config['value.serializer'] === undefined ? { valueSerializer: defaultSerializer(config, false) } : {}),
      });
    },
    destroy: (factory) => (factory as DefaultKafkaProducerFactory).close(),
    yieldsTo: 'type',
    origin: ORIGIN,
  };
}

function template(parts: AutoConfigurationParts): BeanDefinition {
  return {
    name: 'kafkaTemplate',
    type: KafkaTemplate,
    dependencies: [
      dependsOn(DefaultKafkaProducerFactory, ORIGIN),
      dependsOn(MessagingMessageConverter, ORIGIN, true),
      dependsOn(BEAN_NAMES.producerListener, ORIGIN, true),
    ],
    create: (
      factory: DefaultKafkaProducerFactory,
      messageConverter?: MessagingMessageConverter,
      producerListener?: ProducerListener,
    ) =>
      new KafkaTemplate(factory, {
        defaultTopic: parts.properties.get<string | null>('template.default-topic') ?? undefined,
        messageConverter,
        producerListener,
        logger: parts.logging.getLogger('springtide.template'),
      }),
    yieldsTo: 'type',
    origin: ORIGIN,
  };
}
