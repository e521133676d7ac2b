/**
 * The client of the kill loop, a process of its own: `client.ts <bootstrap servers> <topic> <partitions> <journal>`. Sends numbers
 * for as long as it lives, a window of them at a time, and writes each answer into its journal before it sends the next one. Ends
 * on SIGTERM, when all that was sent is answered; with status 1 as soon as a send fails.
 */
import { KafkaProducer, ProducerRecord, type RecordMetadata } from '#client';
import { JournalWriter } from '../processes/journal.ts';

const [bootstrapServers, topic, partitions, journalPath] = process.argv.slice(2);
const WINDOW = 100;
const VALUE_BYTES_MAX = 300;

const journal = new JournalWriter(journalPath);
const producer = new KafkaProducer<null, string>({
  'bootstrap.servers': bootstrapServers,
  acks: 'all',
  'enable.idempotence': true,
  'linger.ms': 0,
  'request.timeout.ms': 5_000,
  'delivery.timeout.ms': 120_000,
  'reconnect.backoff.max.ms': 200,
  'key.serializer': 'string',
  'value.serializer': 'string',
});

let next = 0;
let inFlight = 0;
let isStopping = false;

function fill(): void {
  while (inFlight < WINDOW && !isStopping) send(next++);
}

function send(number: number): void {
  inFlight++;
  const value = `${number} `.padEnd((number * 7919) % VALUE_BYTES_MAX, 'x');
  const record = new ProducerRecord<null, string>(topic, number % Number(partitions), null, value);
  producer.send(record, (metadata: RecordMetadata | null, error: unknown) => {
    inFlight--;
    if (metadata === null) {
      console.error(`number ${number} was not sent:`, error);
      process.exit(1);
    }
    journal.write(`${number} ${metadata.partition} ${metadata.offset}`);
    setImmediate(fill);
  });
}

process.on('SIGTERM', async () => {
  isStopping = true;
  await producer.flush();
  await producer.close();
  process.exit(0);
});
fill();
