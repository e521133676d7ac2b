/** The table of clients × scenarios on both brokers, as it is printed. */

export const BROKERS = ['Apache Kafka 4.4.0', 'springtide'] as const;

export type Outcome = 'passed' | 'failed' | 'not run';
const SIGNS: Record<Outcome, string> = { passed: '✓', failed: '✗', 'not run': '·' };

export class Table {
  readonly #columns = new Map<string, string>();
  readonly #rows = new Map<string, Map<string, readonly [kafka: Outcome, ours: Outcome]>>();
  readonly #notes: string[] = [];

  /** @param version of the client, once it has said it */
  column(client: string, version: string): void {
    this.#columns.set(client, version);
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  set(scenario: string, client: string, kafka: Outcome, ours: Outcome): void {
    const row = this.#rows.get(scenario) ?? new Map();
    this.#rows.set(scenario, row.set(client, [kafka, ours]));
  }

  toString(): string {
    const clients = [...this.#columns.keys()];
    const width = Math.max(...[...this.#rows.keys()].map((name) => name.length), 0);
    const widths = clients.map((client) => Math.max(client.length, (this.#columns.get(client) ?? '').length, 3));
    const line = (first: string, cells: readonly string[]) =>
      `${first.padEnd(width)}  ${cells.map((cell, index) => cell.padEnd(widths[index])).join('  ')}`.trimEnd();
    return [
      `each cell: ${BROKERS.join(' ')}   (✓ passed, ✗ failed, · not run: the client cannot, or only at night)`,
      '',
      line('', clients),
      line(
        '',
        clients.map((client) => this.#columns.get(client) ?? ''),
      ),
      ...[...this.#rows].map(([name, cells]) =>
        line(
          name,
          clients.map((client) => signs(cells.get(client))),
        ),
      ),
      ...this.#notes,
    ].join('\n');
  }
}

function signs(outcomes: readonly [Outcome, Outcome] = ['not run', 'not run']): string {
  return outcomes.map((outcome) => SIGNS[outcome]).join(' ');
}
