/**
 * Reads all three partitions by explicit assignment. It starts at offset 0 whenever it has nothing committed, and keeps what it
 * counted in memory, so it sees every record, valid or not. It takes their bytes as they are: at each start it reads partitions 1 and
 * 2 from the beginning, and what is no JSON must not become a dead letter each time.
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
    properties: { 'value.deserializer': 'bytes' },
  })
  onRecord(record: ConsumerRecord<string, Buffer>): void {
    this.recordsByPartition.set(record.partition, (this.recordsByPartition.get(record.partition) ?? 0) + 1);
    this.summary.handled('audit');
  }
}
