/**
 * ◇ What clients said last of themselves, for whoever reads the broker's metrics: each push replaces the one before. A series is named
 * after the metric, `client_org_apache_kafka_producer_record_send_total`, and labelled with the client's id, the id of its instance and what the client added.
 * All of it is bounded, since clients choose names and labels.
 */
import type { Uuid } from '#core';
import type { DataPoint } from './otlp.ts';

/** Of one push; what is beyond is dropped. */
export const POINTS_PER_CLIENT_MAX = 2_000;
/** Of all clients together; a push beyond is counted, and not kept. */
const POINTS_MAX = 100_000;
const TEXT_LENGTH_MAX = 256;

export interface ClientSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ClientFamily {
  readonly name: string;
  readonly isCounter: boolean;
  readonly series: readonly ClientSeries[];
}

interface ClientPoints {
  readonly clientId: string;
  readonly points: readonly DataPoint[];
}

export class ClientFigures {
  readonly #clients = new Map<Uuid, ClientPoints>();
  #pointCount = 0;
  /** Pushes that were read, that could not be read, and that there was no room for. */
  pushCount = 0;
  corruptCount = 0;
  droppedCount = 0;

  set(clientInstanceId: Uuid, clientId: string, points: readonly DataPoint[]): void {
    this.pushCount++;
    this.delete(clientInstanceId);
    if (this.#pointCount + points.length > POINTS_MAX) {
      this.droppedCount++;
      return;
    }
    this.#pointCount += points.length;
    this.#clients.set(clientInstanceId, { clientId, points });
  }

  delete(clientInstanceId: Uuid): void {
    this.#pointCount -= this.#clients.get(clientInstanceId)?.points.length ?? 0;
    this.#clients.delete(clientInstanceId);
  }

  /** Series by name. `isKnown`: clients that it does not know are forgotten. A name has one kind: that of who was first. */
  families(isKnown: (clientInstanceId: Uuid) => boolean): ClientFamily[] {
    const families = new Map<string, { isCounter: boolean; series: Map<string, ClientSeries> }>();
    for (const [id, { clientId, points }] of [...this.#clients]) {
      if (!isKnown(id)) {
        this.delete(id);
        continue;
      }
      for (const { name, isCounter, attributes, value } of points) {
        const seriesName = isCounter ? `${identifier(name).replace(/_total$/, '')}_total` : identifier(name);
        let family = families.get(seriesName);
        if (family === undefined) families.set(seriesName, (family = { isCounter, series: new Map() }));
        if (family.isCounter !== isCounter) continue;
        const labels = labelsOf(id, clientId, attributes);
        family.series.set(JSON.stringify(labels), { labels, value });
      }
    }
    return [...families].map(([name, { isCounter, series }]) => ({ name, isCounter, series: [...series.values()] }));
  }
}

function labelsOf(id: Uuid, clientId: string, attributes: ReadonlyMap<string, string>): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, text] of attributes) {
    const name = key.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)|^$/, '_');
    labels[name.slice(0, TEXT_LENGTH_MAX)] = text.slice(0, TEXT_LENGTH_MAX);
  }
  return { ...labels, client_id: clientId.slice(0, TEXT_LENGTH_MAX), client_instance_id: id };
}

/** With a beginning of its own, so that no client speaks for the broker. */
function identifier(name: string): string {
  return `client_${name.slice(0, TEXT_LENGTH_MAX).replace(/[^a-zA-Z0-9_]/g, '_')}`;
}
