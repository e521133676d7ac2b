/** The topics of the application, created at start where they are missing. */
import { Bean, Configuration, type NewTopic, TopicBuilder, Value } from 'springtide';

@Configuration()
export class Topics {
  constructor(
    @Value('${app.topics.orders}') readonly orders: string,
    @Value('${app.topics.alerts}') readonly alerts: string,
    @Value('${app.topics.dead-letters}') readonly deadLetters: string,
  ) {}

  @Bean()
  ordersTopic(): NewTopic {
    return TopicBuilder.name(this.orders).partitions(3).build();
  }

  @Bean()
  alertsTopic(): NewTopic {
    return TopicBuilder.name(this.alerts).partitions(1).build();
  }

  @Bean()
  deadLettersTopic(): NewTopic {
    return TopicBuilder.name(this.deadLetters).partitions(3).build();
  }
}
