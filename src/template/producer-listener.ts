/** Observers of sends. They run on the producer's turn after the future has been settled, and must be short. */
import { errorText, type Logger } from '#core';
import type { ProducerRecord, RecordMetadata } from '#serde';
import type { KafkaProducerException } from './producer-exception.ts';

export interface ProducerListener<K = unknown, V = unknown> {
  onSuccess?(record: ProducerRecord<K, V>, metadata: RecordMetadata): void;
  onError?(
    record: ProducerRecord<K, V> | undefined,
    metadata: RecordMetadata | null,
    error: KafkaProducerException,
  ): void;
}

/** Sees and may replace each record before it is sent, and hears of its end before anyone else. */
export interface ProducerInterceptor<K = unknown, V = unknown> {
  onSend?(record: ProducerRecord<K, V>): ProducerRecord<K, V>;
  onAcknowledgement?(metadata: RecordMetadata | null, error: unknown): void;
}

export interface LoggingProducerListenerOptions {
  logger: Logger;
  /** Show key and payload; default false. */
  includeContents?: boolean;
  /** Characters of key and payload that are shown; default 100. */
  maxContentLogged?: number;
}

/** The default listener: every failed send is one error line. */
export class LoggingProducerListener implements ProducerListener {
  private readonly logger: Logger;
  private readonly includeContents: boolean;
  private readonly maxContentLogged: number;

  constructor(options: LoggingProducerListenerOptions) {
    this.logger = options.logger;
    this.includeContents = options.includeContents ?? false;
    this.maxContentLogged = options.maxContentLogged ?? 100;
  }

  onError(record: ProducerRecord | undefined, _metadata: RecordMetadata | null, error: KafkaProducerException): void {
    const where = record === undefined ? '' : ` to topic ${record.topic}${this.partitionText(record)}`;
    const what = record === undefined || !this.includeContents ? '' : this.contentText(record);
    this.logger.error({ err: error }, `failed to send a record${what}${where}: ${errorText(error.cause ?? error)}`);
  }

  private partitionText(record: ProducerRecord): string {
    return record.partition === undefined ? '' : ` and partition ${record.partition}`;
  }

  private contentText(record: ProducerRecord): string {
    return ` with key='${this.short(record.key)}' and payload='${this.short(record.value)}'`;
  }

  private short(value: unknown): string {
    const text = display(value);
    return text.length > this.maxContentLogged ? `${text.slice(0, this.maxContentLogged)}...` : text;
  }
}

function display(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    // A payload without a JSON form (cycles, bigint) may well be why the send failed; its class is shown instead.
    return value.constructor?.name ?? 'object';
  }
}
