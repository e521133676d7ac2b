/**
 * Sends a record that cannot be handled to `<topic>-dlt`, same partition when that exists, with Spring's headers and, whenever
 * the consumer kept them, the original bytes. The record counts as recovered only when the send is acknowledged.
 */
import { errorText, KafkaError, type Logger, silentLogger } from '#core';
import {
  ByteArraySerializer,
  type ConsumerRecord,
  DelegatingByTypeSerializer,
  deserializationErrorOf,
  type Headers,
  JsonSerializer,
  ProducerRecord,
  type RecordMetadata,
  StringSerializer,
} from '#serde';
import { type KafkaOperations, KafkaTemplate } from '#template';
import { type DeadLetterHeader, deadLetterHeaders } from './dead-letter-headers.ts';
import { listenerText, type RecoveryContext } from './error-handler.ts';
import { ListenerExecutionFailedException } from './exceptions.ts';

/** Null: this record is to be dropped, which is logged. A partition below 0 or undefined leaves the choice to the producer. */
export type DestinationResolver = (
  record: ConsumerRecord,
  error: Error,
) => { topic: string; partition?: number } | null;

export interface DeadLetterPublishingRecovererOptions {
  /** Default: `<topic>-dlt`, same partition. */
  destinationResolver?: DestinationResolver;
  /** Suffix of the default destination; default `-dlt`. */
  suffix?: string;
  /** Use the source's partition number only if the target has it; default true. */
  verifyPartition?: boolean;
  excludeHeaders?: Iterable<DeadLetterHeader>;
  /** Further headers; one with the key of an existing header replaces it. */
  headersFunction?: (record: ConsumerRecord, error: Error) => Headers | undefined;
  /** Default: that of the container whose record it is. */
  logger?: Logger;
}

/**
 * The largest dead letter, bytes, before compression: twice what a consumer unfolds a batch to, so whatever came in can go out again,
 * headers included. A bound, not a buffer: nothing of this size is set aside.
 */
const DEAD_LETTER_BYTES_MAX = 512 * 1024 * 1024;

/**
 * A record that came compressed must fit `max.message.bytes` of the dead letter topic again, so dead letters are compressed, with the
 * codec that packs densest.
 */
const BYTES_PRODUCER = {
  'max.request.size': DEAD_LETTER_BYTES_MAX,
  'buffer.memory': DEAD_LETTER_BYTES_MAX,
  'compression.type': 'zstd',
};

/** What a dead letter goes without, step by step, when its topic finds it too large: the record matters more than its story. */
const LEFT_OUT: readonly (readonly DeadLetterHeader[])[] = [
  [],
  ['EX_STACKTRACE', 'EX_MSG'],
  ['TOPIC', 'PARTITION', 'OFFSET', 'TS', 'TS_TYPE', 'GROUP', 'EXCEPTION', 'EX_CAUSE', 'EX_STACKTRACE', 'EX_MSG'],
];

export class DeadLetterPublishingRecoverer {
  private readonly template: KafkaOperations;
  private readonly options: DeadLetterPublishingRecovererOptions;
  private readonly excluded: ReadonlySet<DeadLetterHeader>;
  private readonly suffix: string;
  /** Where to tell of a record that came without its container. */
  private readonly ownLogger: Logger;

  /** A `KafkaTemplate` lends its producer factory: dead letters are written as bytes, whatever its serializers are. */
  constructor(template: KafkaOperations, options: DeadLetterPublishingRecovererOptions = {}) {
    this.template = template instanceof KafkaTemplate ? bytesTemplate(template) : template;
    this.options = options;
    this.excluded = new Set(options.excludeHeaders ?? []);
    this.suffix = options.suffix ?? '-dlt';
    this.ownLogger = options.logger ?? (template instanceof KafkaTemplate ? template.logger : silentLogger);
  }

  /** @throws KafkaProducerException when the send fails, KafkaError ILLEGAL_STATE when the destination would be a loop. */
  async recover(record: ConsumerRecord, error: Error, context?: RecoveryContext): Promise<void> {
    const logger = this.options.logger ?? context?.logger ?? this.ownLogger;
    const who = context === undefined ? '' : `${listenerText(context)}: `;
    const where = `${who}${record.topic}-${record.partition}@${record.offset}`;
    const destination = this.destinationOf(record, error);
    if (destination === null) {
      logger.warn({ err: error }, `${where} is dropped: the destination resolver names no topic for it`);
      return;
    }
    const recordMetadata = await this.send(
      record,
      error,
      destination.topic,
      await this.partitionOf(destination, logger),
    );
    const reason = errorText(error.cause ?? error);
    logger.warn(
      `${where} could not be handled and went to ${recordMetadata.topic}-${recordMetadata.partition}: ${reason}`,
    );
  }

  private destinationOf(record: ConsumerRecord, error: Error): { topic: string; partition?: number } | null {
    if (this.options.destinationResolver !== undefined) {
      const destination = this.options.destinationResolver(record, error);
      if (destination?.topic !== record.topic) return destination;
      throw new KafkaError('ILLEGAL_STATE', `the dead letter topic of ${record.topic} is ${record.topic} itself`);
    }
    if (!record.topic.endsWith(this.suffix))
      return { topic: `${record.topic}${this.suffix}`, partition: record.partition };
    const text = `${record.topic} is a dead letter topic itself; set a destinationResolver to send its failures elsewhere`;
    throw new KafkaError('ILLEGAL_STATE', text);
  }

  private async partitionOf(
    { topic, partition }: { topic: string; partition?: number },
    logger: Logger,
  ): Promise<number | undefined> {
    if (partition === undefined || partition < 0) return undefined;
    if (this.options.verifyPartition === false) return partition;
    const known = await this.template.partitionsFor(topic);
    if (known.some((one) => one.partition === partition)) return partition;
    logger.warn(`${topic} has no partition ${partition}: the producer chooses another one`);
    return undefined;
  }

  /** A record that nearly fills its topic's `max.message.bytes` may not fit with headers added. */
  private async send(
    record: ConsumerRecord,
    error: Error,
    topic: string,
    partition: number | undefined,
  ): Promise<RecordMetadata> {
    let refusal: unknown;
    for (const leftOut of LEFT_OUT) {
      const letter = this.letterOf(record, error, { topic, partition }, new Set([...this.excluded, ...leftOut]));
      try {
        const { recordMetadata } = await this.template.send(letter);
        return recordMetadata;
      } catch (failure) {
        if (!(failure instanceof KafkaError) || failure.code !== 'MESSAGE_TOO_LARGE') throw failure;
        refusal ??= failure;
      }
    }
    throw refusal;
  }

  private letterOf(
    record: ConsumerRecord,
    error: Error,
    { topic, partition }: { topic: string; partition: number | undefined },
    excluded: ReadonlySet<DeadLetterHeader>,
  ): ProducerRecord {
    const failure = deserializationErrorOf(record);
    const groupId = error instanceof ListenerExecutionFailedException ? error.groupId : undefined;
    const headers = deadLetterHeaders(record, error, groupId, excluded);
    for (const { key, value } of this.options.headersFunction?.(record, error) ?? []) headers.set(key, value);
    const failedKey = failure?.isKey === true ? failure.data : undefined;
    const failedValue = record.deserializationErrors?.value ?? (failure?.isKey === false ? failure : undefined);
    return new ProducerRecord({
      topic,
      partition,
      timestamp: record.timestamp >= 0 ? record.timestamp : undefined,
      key: failedKey ?? original(record.rawKey, record.key),
      value: failedValue === undefined ? original(record.rawValue, record.value) : failedValue.data,
      headers,
    });
  }
}

function original(raw: Buffer | null | undefined, value: unknown): unknown {
  return raw === undefined ? value : raw;
}

function bytesTemplate(template: KafkaTemplate): KafkaTemplate {
  const serializer = new DelegatingByTypeSerializer([
    [Uint8Array, new ByteArraySerializer()],
    ['string', new StringSerializer()],
    ['object', new JsonSerializer({ addTypeHeaders: false })],
    ['number', new JsonSerializer()],
    ['boolean', new JsonSerializer()],
  ]);
  const factory = template.producerFactory.copyWithConfigurationOverride(BYTES_PRODUCER, {
    keySerializer: serializer,
    valueSerializer: serializer,
  });
  return new KafkaTemplate(factory);
}
