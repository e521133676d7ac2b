/**
 * `KafkaListenerEndpointRegistry`: all containers of an application by id, started last and stopped first. A listener added
 * later is started at once when the registry runs, unless its `autoStartup` says no.
 */
import { LISTENER_PHASE } from '#context';
import type { ConcurrentMessageListenerContainer } from './concurrent-container.ts';
import type { ConcurrentKafkaListenerContainerFactory } from './container-factory.ts';
import type { KafkaListenerEndpoint } from './endpoint.ts';
import { ListenerConfigurationError } from './exceptions.ts';

export class KafkaListenerEndpointRegistry {
  readonly phase = LISTENER_PHASE;
  private readonly containers = new Map<string, { container: ConcurrentMessageListenerContainer; where: string }>();
  private isStarted = false;

  /** @throws ListenerConfigurationError when the id is taken, or the endpoint cannot work. */
  registerListenerContainer(
    endpoint: KafkaListenerEndpoint,
    factory: ConcurrentKafkaListenerContainerFactory,
  ): ConcurrentMessageListenerContainer {
    const other = this.containers.get(endpoint.id);
    if (other !== undefined) {
      const action = 'Give each @KafkaListener an id of its own';
      const text = `two listeners have the id '${endpoint.id}': ${other.where} and ${endpoint.where}. ${action}`;
      throw new ListenerConfigurationError(text, { action });
    }
    const container = factory.createListenerContainer(endpoint);
    this.containers.set(endpoint.id, { container, where: endpoint.where });
    return container;
  }

  /** The container is no longer known here; it is not stopped. */
  unregisterListenerContainer(id: string): ConcurrentMessageListenerContainer | undefined {
    const found = this.containers.get(id);
    this.containers.delete(id);
    return found?.container;
  }

  getListenerContainer(id: string): ConcurrentMessageListenerContainer | undefined {
    return this.containers.get(id)?.container;
  }

  getListenerContainerIds(): Set<string> {
    return new Set(this.containers.keys());
  }

  getListenerContainers(): ConcurrentMessageListenerContainer[] {
    return Array.from(this.containers.values(), ({ container }) => container);
  }

  getListenerContainersMatching(matches: (id: string) => boolean): ConcurrentMessageListenerContainer[] {
    return [...this.containers].filter(([id]) => matches(id)).map(([, { container }]) => container);
  }

  /** Those whose listener has this `containerGroup`. */
  getContainerGroup(name: string): ConcurrentMessageListenerContainer[] {
    return this.getListenerContainers().filter((container) => container.containerGroup === name);
  }

  /** Starts every container with autoStartup. When one cannot start, those that did are stopped again, and its error is thrown. */
  async start(): Promise<void> {
    this.isStarted = true;
    const starts = this.getListenerContainers().map((container) =>
      container.isAutoStartup() ? container.start() : undefined,
    );
    const failed = (await Promise.allSettled(starts)).find((result) => result.status === 'rejected');
    if (failed === undefined) return;
    await this.stop();
    throw failed.reason;
  }

  /** For listeners registered while the application runs. */
  async startIfRunning(container: ConcurrentMessageListenerContainer): Promise<void> {
    if (this.isStarted && container.isAutoStartup()) await container.start();
  }

  /** Drains and stops every container, side by side. Idempotent. */
  async stop(): Promise<void> {
    this.isStarted = false;
    await Promise.all(this.getListenerContainers().map((container) => container.stop()));
  }

  /** What a stop left behind: a handler that goes on. Its records are not committed and come again. */
  stillRunning(): string[] {
    return this.getListenerContainers().flatMap((container) => container.stillRunning());
  }

  pause(): void {
    for (const container of this.getListenerContainers()) container.pause();
  }

  resume(): void {
    for (const container of this.getListenerContainers()) container.resume();
  }

  isRunning(): boolean {
    return this.isStarted;
  }
}
