/** Prints the summary while it changes: per listener what it handled, what failed, its lag and its rate. */
import { Admin, Service, Value } from 'springtide';
import { type Row, Summary } from './summary.ts';

export const LISTENERS = ['billing', 'audit', 'fraud', 'dead-letters'] as const;

export interface ReportRow extends Row {
  lag: number;
}

@Service()
export class Report {
  constructor(
    private readonly admin: Admin,
    private readonly summary: Summary,
    @Value('${app.topics.orders}') private readonly orders: string,
    @Value('${app.topics.dead-letters}') private readonly deadLetters: string,
  ) {}

  /** The rows with the lag of each listener's group: end offsets minus committed offsets. */
  async rows(): Promise<ReportRow[]> {
    const rows = this.summary.rows(LISTENERS);
    return Promise.all(rows.map(async (row) => ({ ...row, lag: await this.lag(row.listener) })));
  }

  /** One line a listener; `before` and `seconds` give the rate. */
  print(rows: readonly ReportRow[], before: readonly ReportRow[], seconds: number): void {
    console.log('listener       handled   failed      lag  per second');
    for (const row of rows) {
      const earlier = before.find(({ listener }) => listener === row.listener);
      const rate = Math.round((row.handled - (earlier?.handled ?? 0)) / seconds);
      const numbers = [row.handled, row.failed, row.lag].map((value) => String(value).padStart(9)).join('');
      console.log(`${row.listener.padEnd(13)}${numbers}${String(rate).padStart(12)}`);
    }
  }

  /** What the group has still to commit: end offsets minus committed offsets. */
  private async lag(group: string): Promise<number> {
    const topic = group === 'dead-letters' ? this.deadLetters : this.orders;
    const { partitions } = (await this.admin.describeTopics([topic])).get(topic);
    const latest = partitions.map(({ partition }) => ({ topic, partition, spec: 'latest' as const }));
    // In this order: what is committed in between cannot be beyond an end that was read later.
    const committed = await this.admin.listConsumerGroupOffsets(group);
    const ends = (await this.admin.listOffsets(latest)).all();
    return latest.reduce((sum, tp) => {
      const end = ends.get(`${tp.topic}-${tp.partition}`)?.offset ?? 0;
      return sum + end - (committed.get(tp)?.offset ?? 0);
    }, 0);
  }
}
