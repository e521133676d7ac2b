/** Prints the report every two seconds while it changes, and once how to send more orders from outside. */
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaConnection, PreDestroy, Service, Value } from 'springtide';
import { Report, type ReportRow } from './report.ts';

const EVERY_MS = 2_000;

@Service()
export class LiveReport {
  private readonly stopped = new AbortController();

  constructor(
    private readonly report: Report,
    @Value('${app.topics.orders}') private readonly topic: string,
    @Value('${spring.kafka.bootstrap-servers:}') private readonly cluster: string,
    private readonly included: KafkaConnection,
  ) {}

  /** Resolves when the application closes. */
  async start(): Promise<void> {
    this.printHowToSend();
    let before: ReportRow[] = [];
    while (!this.stopped.signal.aborted) {
      const rows = await this.report.rows();
      if (JSON.stringify(rows) !== JSON.stringify(before)) this.report.print(rows, before, EVERY_MS / 1000);
      before = rows;
      await sleep(EVERY_MS, undefined, { signal: this.stopped.signal }).catch(() => {}); // ends early when stopped
    }
  }

  @PreDestroy()
  stop(): void {
    this.stopped.abort();
  }

  private printHowToSend(): void {
    const servers = this.included.bootstrapServers ?? this.cluster;
    console.log(`
Send more from another terminal, a line an order, with either of:
  tail -n 5 orders.jsonl | kcat -b ${servers} -t ${this.topic} -P
  tail -n 5 orders.jsonl | kafka-console-producer.sh --bootstrap-server ${servers} --topic ${this.topic}
Anything that is no order, "hello" for one, ends in the dead letter topic. Ctrl-C drains; the next start goes on from there.
`);
  }
}
