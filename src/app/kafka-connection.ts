/** How the clients of an application reach their broker. A bean of this class by the user replaces what the settings say. */
import type { Transport } from '#net';

export class KafkaConnection {
  /** Undefined: what each client's configuration says. */
  readonly bootstrapServers: string | undefined;
  /** Undefined: TCP. */
  readonly transport: Transport | undefined;

  constructor(options: { bootstrapServers?: string; transport?: Transport } = {}) {
    this.bootstrapServers = options.bootstrapServers;
    this.transport = options.transport;
  }

  /** The client's configuration with the bootstrap servers of this connection. */
  apply(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return this.bootstrapServers === undefined
      ? { ...config }
      : { ...config, 'bootstrap.servers': this.bootstrapServers };
  }
}
