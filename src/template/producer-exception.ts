/**
 * A failed send, with the record that failed. `code` and `retriable` are those of the cause. Loggers and JSON see no record: payloads
 * may be large and are nobody else's business.
 */
import { errorText, KafkaError } from '#core';
import type { ProducerRecord } from '#serde';

export class KafkaProducerException extends KafkaError {
  override readonly name = 'KafkaProducerException';
  readonly #failedProducerRecord: ProducerRecord | undefined;

  constructor(failedProducerRecord: ProducerRecord | undefined, cause: unknown) {
    const origin = cause instanceof KafkaError ? cause : undefined;
    const where = failedProducerRecord === undefined ? '' : ` to ${failedProducerRecord.topic}`;
    super(origin?.code ?? 'SEND_FAILED', `failed to send${where}: ${errorText(cause)}`, {
      cause,
      retriable: origin?.retriable ?? false,
      errorCode: origin?.errorCode,
    });
    this.#failedProducerRecord = failedProducerRecord;
  }

  get failedProducerRecord(): ProducerRecord | undefined {
    return this.#failedProducerRecord;
  }
}
