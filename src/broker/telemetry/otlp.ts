/**
 * ◇ The numbers in what a client pushes: OpenTelemetry's MetricsData v1, as far as Kafka's clients use it. Gauges and sums are read;
 * histograms and summaries, which they do not send, are passed over.
 *
 *     MetricsData      1 ResourceMetrics*
 *     ResourceMetrics  1 Resource (1 KeyValue*)   2 ScopeMetrics*
 *     ScopeMetrics     2 Metric*
 *     Metric           1 name   5 Gauge (1 NumberDataPoint*)   7 Sum (1 NumberDataPoint*, 2 temporality, 3 is_monotonic)
 *     NumberDataPoint  4 as_double   6 as_int   7 KeyValue*
 *     KeyValue         1 key   2 AnyValue (1 string, 2 bool, 3 int, 4 double)
 *
 * @see https://github.com/open-telemetry/opentelemetry-proto
 */
import { BYTES, FIXED64, protobufFields, VARINT } from './protobuf.ts';

const CUMULATIVE = 2;

export interface DataPoint {
  readonly name: string;
  /** A sum that only grows, counted from the start of the client. */
  readonly isCounter: boolean;
  readonly attributes: ReadonlyMap<string, string>;
  readonly value: number;
}

type Attributes = ReadonlyMap<string, string>;
const NO_ATTRIBUTES: Attributes = new Map();

/** At most `countMax` points, with the attributes of their resource. @throws CorruptError when the bytes are no such message */
export function readMetricsData(bytes: Buffer, countMax: number): DataPoint[] {
  const points: DataPoint[] = [];
  for (const point of dataPoints(bytes)) {
    if (points.length >= countMax) break;
    points.push(point);
  }
  return points;
}

function* dataPoints(bytes: Buffer): Iterable<DataPoint> {
  for (const resourceMetrics of messages(bytes, 1)) {
    const [resource] = messages(resourceMetrics, 1);
    const common = resource === undefined ? NO_ATTRIBUTES : attributesIn(resource, 1);
    for (const scopeMetrics of messages(resourceMetrics, 2)) {
      for (const metric of messages(scopeMetrics, 2)) yield* metricPoints(metric, common);
    }
  }
}

function* metricPoints(metric: Buffer, common: Attributes): Iterable<DataPoint> {
  const name = [...messages(metric, 1)].at(-1)?.toString('utf8') ?? '';
  for (const gauge of messages(metric, 5)) yield* numberPoints(gauge, name, false, common);
  for (const sum of messages(metric, 7)) {
    const isCounter = varintOf(sum, 3) === 1 && varintOf(sum, 2) === CUMULATIVE;
    yield* numberPoints(sum, name, isCounter, common);
  }
}

function* numberPoints(holder: Buffer, name: string, isCounter: boolean, common: Attributes): Iterable<DataPoint> {
  for (const point of messages(holder, 1)) {
    const value = numberIn(point);
    if (value === undefined) continue;
    yield { name, isCounter, attributes: new Map([...common, ...attributesIn(point, 7)]), value };
  }
}

function numberIn(point: Buffer): number | undefined {
  for (const { number, type, bytes } of protobufFields(point)) {
    if (type !== FIXED64) continue;
    if (number === 4) return bytes.readDoubleLE(0);
    if (number === 6) return Number(bytes.readBigInt64LE(0));
  }
  return undefined;
}

function attributesIn(message: Buffer, number: number): Attributes {
  const attributes = new Map<string, string>();
  for (const pair of messages(message, number)) {
    const [key] = messages(pair, 1);
    const [value] = messages(pair, 2);
    if (key !== undefined && value !== undefined) attributes.set(key.toString('utf8'), textOf(value));
  }
  return attributes;
}

/** Lists and the like have no text. */
function textOf(anyValue: Buffer): string {
  for (const { number, type, bytes, varint } of protobufFields(anyValue)) {
    if (number === 1 && type === BYTES) return bytes.toString('utf8');
    if (number === 2 && type === VARINT) return String(varint !== 0);
    if (number === 3 && type === VARINT) return String(varint);
    if (number === 4 && type === FIXED64) return String(bytes.readDoubleLE(0));
  }
  return '';
}

function* messages(message: Buffer, number: number): Iterable<Buffer> {
  for (const field of protobufFields(message)) if (field.number === number && field.type === BYTES) yield field.bytes;
}

function varintOf(message: Buffer, number: number): number {
  let value = 0;
  for (const field of protobufFields(message))
    if (field.number === number && field.type === VARINT) value = field.varint;
  return value;
}
