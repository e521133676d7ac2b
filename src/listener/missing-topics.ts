/**
 * Tells once, a short while after a container has started, which of its topics do not exist: nothing else would, for a group that
 * waits for a topic is healthy. It is asked from the container's loop, between polls, as a consumer serves one caller at a time.
 */
import { type Clock, errorText, KafkaError, type Logger } from '#core';
import type { ListenerConsumer } from './consumer-factory.ts';

/** How long topics may take to be made (by an admin, or by asking for them) before their absence is worth a line, milliseconds. */
const PATIENCE_MS = 5000;
/** How long the question may keep the loop from polling, milliseconds. */
const ANSWER_TIMEOUT_MS = 5000;

export class MissingTopics {
  private readonly listener: string;
  private readonly topics: readonly string[];
  private readonly clock: Clock;
  private readonly logger: Logger;
  private dueMs: number;

  /** @param listener how the line begins */
  constructor(listener: string, topics: readonly string[], clock: Clock, logger: Logger) {
    this.listener = listener;
    this.topics = topics;
    this.clock = clock;
    this.logger = logger;
    this.dueMs = clock.now().monotonicMs + PATIENCE_MS;
  }

  isDue(): boolean {
    return this.clock.now().monotonicMs >= this.dueMs;
  }

  /** @throws KafkaError WAKEUP; then it is still due. */
  async tell(consumer: ListenerConsumer): Promise<void> {
    if (consumer.listTopics === undefined) return this.done();
    let known: ReadonlyMap<string, unknown>;
    try {
      known = await consumer.listTopics(ANSWER_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof KafkaError && error.code === 'WAKEUP') throw error;
      this.logger.debug(`cannot look which topics are missing, again later: ${errorText(error)}`);
      this.dueMs = this.clock.now().monotonicMs + PATIENCE_MS;
      return;
    }
    this.done();
    const missing = this.topics.filter((topic) => !known.has(topic));
    if (missing.length === 0) return;
    const [subject, rest] = missing.length === 1 ? ['the topic', 'does not exist'] : ['the topics', 'do not exist'];
    const remedy =
      'create what is missing (for example by a NewTopic bean), or correct the name; it is read once it is there';
    this.logger.warn(
      `${this.listener}: ${subject} ${missing.join(', ')} ${rest}, or may not be seen by this client: ${remedy}`,
    );
  }

  private done(): void {
    this.dueMs = Number.POSITIVE_INFINITY;
  }
}
