/** Finds the route of an API key, and knows what ApiVersions may advertise: what is served, nothing else. */
import type { Route } from './route.ts';

export class RouteTable {
  readonly rows: readonly Route[];
  readonly #byKey: (Route | undefined)[] = [];

  constructor(rows: readonly Route[]) {
    this.rows = [...rows].sort((a, b) => a.api.key - b.api.key);
    for (const row of rows) this.#byKey[row.api.key] = row;
  }

  find(apiKey: number): Route | undefined {
    return apiKey >= 0 ? this.#byKey[apiKey] : undefined;
  }
}
