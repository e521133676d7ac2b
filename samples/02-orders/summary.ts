/** What each listener has done since the start, and how far behind it is. */
import { Service } from 'springtide';

export interface Row {
  listener: string;
  handled: number;
  failed: number;
}

@Service()
export class Summary {
  private readonly counts = new Map<string, Row>();

  handled(listener: string, count = 1): void {
    this.row(listener).handled += count;
  }

  failed(listener: string): void {
    this.row(listener).failed++;
  }

  rows(listeners: readonly string[]): Row[] {
    return listeners.map((listener) => this.row(listener));
  }

  private row(listener: string): Row {
    const known = this.counts.get(listener);
    if (known !== undefined) return known;
    const row = { listener, handled: 0, failed: 0 };
    this.counts.set(listener, row);
    return row;
  }
}
