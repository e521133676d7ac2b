/** `@SendTo`: a listener's result sent on. The record is handled only when its replies are acknowledged. */
import { KafkaError, type Logger } from '#core';
import { KafkaHeaders, Message, MessageBuilder } from '#message';
import { type ConsumerRecord, Headers, ProducerRecord } from '#serde';
import type { KafkaOperations } from '#template';
import type { ReplyTopic } from './attributes.ts';

export interface ReplyParts {
  topic: ReplyTopic;
  template: KafkaOperations;
  splitIterables: boolean;
  logger: Logger;
}

export class ReplySender {
  private readonly parts: ReplyParts;

  constructor(parts: ReplyParts) {
    this.parts = parts;
  }

  /** Sends what `result` says, if anything. Resolves when all is acknowledged. */
  async send(request: ConsumerRecord, result: unknown): Promise<void> {
    if (result === null || result === undefined) return;
    const topic = this.topicFor(request, result);
    const results = this.parts.splitIterables && isList(result) ? [...result] : [result];
    const sends = results.map((one) => this.sendOne(request, one, topic)?.toPromise());
    await Promise.all(sends);
  }

  private sendOne(request: ConsumerRecord, result: unknown, topic: string | undefined) {
    const { template, logger } = this.parts;
    if (result instanceof Message) return template.send(withDefaults(result, request, topic));
    if (topic === undefined) {
      logger.debug(`no reply topic for a result of ${request.topic}-${request.partition}@${request.offset}: not sent`);
      return undefined;
    }
    const headers = new Headers();
    const correlation = request.headers.lastHeader(KafkaHeaders.CORRELATION_ID);
    if (correlation !== undefined) headers.addHeader(correlation);
    return template.send(
      new ProducerRecord({ topic, partition: replyPartition(request), key: request.key, value: result, headers }),
    );
  }

  private topicFor(request: ConsumerRecord, result: unknown): string | undefined {
    const { topic } = this.parts;
    if (topic.from === 'text') return topic.text;
    const named =
      topic.from === 'function' ? topic.of(request, result) : request.headers.text(KafkaHeaders.REPLY_TOPIC);
    if (topic.from === 'function' && (typeof named !== 'string' || named === '')) {
      throw new KafkaError('ILLEGAL_STATE', `the function of @SendTo must return a topic, not ${String(named)}`);
    }
    return named;
  }
}

function withDefaults(message: Message, request: ConsumerRecord, topic: string | undefined): Message {
  return MessageBuilder.fromMessage(message)
    .setHeaderIfAbsent(KafkaHeaders.TOPIC, topic)
    .setHeaderIfAbsent(KafkaHeaders.CORRELATION_ID, request.headers.lastHeader(KafkaHeaders.CORRELATION_ID)?.value)
    .setHeaderIfAbsent(KafkaHeaders.PARTITION, replyPartition(request))
    .build();
}

/** Four bytes big-endian, as Spring's replying template writes them. */
function replyPartition(request: ConsumerRecord): number | undefined {
  const bytes = request.headers.lastHeader(KafkaHeaders.REPLY_PARTITION)?.value;
  return bytes?.length === 4 ? bytes.readInt32BE() : undefined;
}

function isList(result: unknown): result is Iterable<unknown> {
  return typeof result === 'object' && result !== null && Symbol.iterator in result && !(result instanceof Uint8Array);
}
