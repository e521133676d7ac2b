/**
 * Reads all three partitions by explicit assignment. It starts at offset 0 whenever it has nothing committed, and keeps what it
 * counted in memory, so it sees every record, valid or not.
 */
import { ConsumerRecord, KafkaListener, Service } from 'springtide';
import { Summary } from './summary.ts';

@Service()
export class Audit {
  readonly recordsByPartition = new Map<number, number>();

  constructor(private readonly summary: Summary) {}

  @KafkaListener({
    id: 'audit',
    topicPartitions: [
      {
        topic: '${app.topics.orders}',
        partitions: ['0'],
        partitionOffsets: [{ partition: '1-2', initialOffset: '0' }],
      },
    ],
  })
  onRecord(record: ConsumerRecord<string, unknown>): void {
    this.recordsByPartition.set(record.partition, (this.recordsByPartition.get(record.partition) ?? 0) + 1);
    this.summary.handled('audit');
  }
}
