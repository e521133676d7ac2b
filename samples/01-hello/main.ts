/** The smallest complete application: a service that sends and listens, on the included broker. */
import { Application, KafkaListener, KafkaTemplate, Service } from 'springtide';

@Service()
export class Greeter {
  constructor(private readonly kafka: KafkaTemplate<string, string>) {}

  async greet(name: string): Promise<void> {
    const { recordMetadata } = await this.kafka.send('greetings', `Hello, ${name}!`);
    console.log(`sent, offset ${recordMetadata.offset}`);
  }

  @KafkaListener({ id: 'printer', topics: 'greetings' })
  onGreeting(greeting: string): void {
    console.log(`received: ${greeting}`);
  }
}

const context = await Application.run(Greeter);
await context.get(Greeter).greet('world');
