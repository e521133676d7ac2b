/**
 * Counts the records that a listener could not handle and that its error handler put aside, with the reason in their headers. It
 * takes their bytes as they are: what could not be read in the first place cannot be read here either.
 */
import { Header, KafkaHeaders, KafkaListener, Service } from 'springtide';
import { Summary } from './summary.ts';

@Service()
export class DeadLetters {
  readonly reasons = new Map<string, number>();

  constructor(private readonly summary: Summary) {}

  @KafkaListener({
    id: 'dead-letters',
    topics: '${app.topics.dead-letters}',
    properties: { 'value.deserializer': 'bytes' },
  })
  onDeadLetter(
    _bytes: Buffer,
    @Header(KafkaHeaders.DLT_ORIGINAL_CONSUMER_GROUP) group: string,
    @Header(KafkaHeaders.DLT_EXCEPTION_MESSAGE) reason: string,
  ): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    this.summary.failed(group);
    this.summary.handled('dead-letters');
  }
}
