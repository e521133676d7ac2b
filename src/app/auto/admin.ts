/** Auto-configuration of administration: `KafkaAdmin`, which makes the declared topics, and an `Admin` client for the application's own use. */
import { Admin } from '#client';
import { type ApplicationContext, type BeanDefinition, dependsOn } from '#context';
import { KafkaAdmin } from '../kafka-admin.ts';
import { KafkaConnection } from '../kafka-connection.ts';
import { NewTopic, NewTopics } from '../new-topic.ts';
import { type AutoConfigurationParts, withClientId } from './parts.ts';

const ORIGIN = 'auto-configuration of administration';

export function adminDefinitions(parts: AutoConfigurationParts): BeanDefinition[] {
  const { properties } = parts;
  const logger = parts.logging.getLogger('springtide.admin');
  const configOf = (connection: KafkaConnection) =>
    connection.apply(withClientId(properties.clientConfig('admin'), parts, 'admin'));
  return [
    {
      name: 'kafkaAdmin',
      type: KafkaAdmin,
      dependencies: [dependsOn(KafkaConnection, ORIGIN)],
      create: (connection: KafkaConnection) =>
        new KafkaAdmin(configOf(connection), {
          transport: connection.transport,
          logger,
          isAutoCreate: properties.get<boolean>('admin.auto-create'),
          isFatal: properties.get<boolean>('admin.fail-fast'),
          modifiesTopicConfigs: properties.get<boolean>('admin.modify-topic-configs'),
          operationTimeoutMs: properties.get<number>('admin.operation-timeout'),
        }),
      yieldsTo: 'type',
      origin: ORIGIN,
    },
    {
      name: 'adminClient',
      type: Admin,
      dependencies: [dependsOn(KafkaConnection, ORIGIN)],
      create: (connection: KafkaConnection) =>
        Admin.create(configOf(connection), { transport: connection.transport, logger }),
      destroy: (admin) => (admin as Admin).close(),
      yieldsTo: 'type',
      origin: ORIGIN,
    },
  ];
}

/** The topics of all `NewTopic` and `NewTopics` beans are made once every bean exists, before listeners start. */
export function makeTopicsWhenReady(context: ApplicationContext): void {
  context.onBeansReady(async () => {
    const topics = [...context.getAll(NewTopic), ...context.getAll(NewTopics).flatMap((bean) => bean.topics)];
    await context.get(KafkaAdmin).initialize(topics);
  });
}
