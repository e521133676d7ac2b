/**
 * Records ↔ messages: Spring's `MessagingMessageConverter`. A consumed record becomes a `Message` with Spring's header
 * names; a `Message` becomes a record to send, its topic, key, partition and timestamp taken from its headers.
 */
import { KafkaError } from '#core';
import { type ConsumerRecord, Headers, ProducerRecord, type TimestampType } from '#serde';
import { DefaultKafkaHeaderMapper, type KafkaHeaderMapper } from './header-mapper.ts';
import { KafkaHeaders } from './kafka-headers.ts';
import { KafkaNull, Message, MessageHeaders } from './message.ts';

export interface RecordMessageConverter {
  /** The headers of a consumed record as message headers. */
  headersOf(record: ConsumerRecord, groupId?: string): MessageHeaders;
  /** @throws KafkaError ILLEGAL_STATE when neither the message nor `defaultTopic` names a topic. */
  fromMessage(message: Message, defaultTopic?: string): ProducerRecord;
}

export class MessagingMessageConverter implements RecordMessageConverter {
  private readonly headerMapper: KafkaHeaderMapper;

  constructor(options: { headerMapper?: KafkaHeaderMapper } = {}) {
    this.headerMapper = options.headerMapper ?? new DefaultKafkaHeaderMapper();
  }

  headersOf(record: ConsumerRecord, groupId?: string): MessageHeaders {
    const headers = new MessageHeaders();
    this.headerMapper.toHeaders(record.headers, headers);
    headers.set(KafkaHeaders.OFFSET, record.offset);
    if (record.key !== null && record.key !== undefined) headers.set(KafkaHeaders.RECEIVED_KEY, record.key);
    headers.set(KafkaHeaders.RECEIVED_TOPIC, record.topic);
    headers.set(KafkaHeaders.RECEIVED_PARTITION, record.partition);
    headers.set(KafkaHeaders.RECEIVED_TIMESTAMP, record.timestamp);
    headers.set(KafkaHeaders.TIMESTAMP_TYPE, timestampTypeName(record.timestampType));
    if (groupId !== undefined) headers.set(KafkaHeaders.GROUP_ID, groupId);
    return headers;
  }

  fromMessage(message: Message, defaultTopic?: string): ProducerRecord {
    const topic = textOf(message.headers.get(KafkaHeaders.TOPIC)) ?? defaultTopic;
    if (topic === undefined) {
      const text = `the message names no topic: set its header ${KafkaHeaders.TOPIC}, or the template's default topic`;
      throw new KafkaError('ILLEGAL_STATE', text);
    }
    const headers = new Headers();
    this.headerMapper.fromHeaders(message.headers, headers);
    return new ProducerRecord({
      topic,
      partition: message.headers.value<number>(KafkaHeaders.PARTITION),
      timestamp: message.headers.value<number>(KafkaHeaders.TIMESTAMP),
      key: message.headers.get(KafkaHeaders.KEY),
      value: message.payload instanceof KafkaNull ? null : message.payload,
      headers,
    });
  }
}

/** Java's enum constant, as Spring puts it into the header `kafka_timestampType`. */
export function timestampTypeName(type: TimestampType): string {
  return type === 'append' ? 'LOG_APPEND_TIME' : 'CREATE_TIME';
}

function textOf(value: unknown): string | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return value === null || value === undefined ? undefined : String(value);
}
