/** Client telemetry of one broker: the subscriptions of the metadata log, the clients, what they said. */
import { compileTopicPattern } from '../group/consumer/topic-pattern.ts';
import { ClientFigures } from './client-figures.ts';
import { ClientTelemetry } from './client-telemetry.ts';
import { readSubscription } from './subscription.ts';

export class TelemetryReceiver {
  readonly clients: ClientTelemetry;
  readonly figures = new ClientFigures();

  constructor(bytesMax: number) {
    this.clients = new ClientTelemetry(bytesMax);
  }

  /** A client-metrics resource has these configs now; without any there is no such subscription. */
  configured(name: string, configs: ReadonlyMap<string, string>): void {
    // Patterns for names of topics and of clients are the same: of a client's text too nobody knows how long it is.
    const subscription = configs.size === 0 ? undefined : readSubscription(configs, compileTopicPattern);
    this.clients.setSubscription(name, subscription);
  }
}
