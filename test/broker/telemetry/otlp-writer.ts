/** Writes what a client pushes, by the protobuf rules: enough of OpenTelemetry's MetricsData for the tests. */
export interface WrittenMetric {
  readonly name: string;
  readonly kind: 'gauge' | 'sum' | 'delta' | 'histogram';
  /** A whole number is written as such. */
  readonly points: readonly { readonly attributes?: Record<string, string>; readonly value: number }[];
}

export function metricsData(metrics: readonly WrittenMetric[], resource: Record<string, string> = {}): Buffer {
  const scope = bytes(2, Buffer.concat(metrics.map((metric) => bytes(2, metricOf(metric)))));
  return bytes(1, Buffer.concat([bytes(1, attributes(1, resource)), scope]));
}

function metricOf({ name, kind, points }: WrittenMetric): Buffer {
  const data = Buffer.concat(points.map((point) => bytes(1, pointOf(point))));
  const head = bytes(1, Buffer.from(name));
  if (kind === 'gauge') return Buffer.concat([head, bytes(5, data)]);
  if (kind === 'histogram') return Buffer.concat([head, bytes(9, Buffer.alloc(3, 0x08))]);
  return Buffer.concat([head, bytes(7, Buffer.concat([data, varint(2, kind === 'sum' ? 2 : 1), varint(3, 1)]))]);
}

function pointOf({ attributes: own = {}, value }: WrittenMetric['points'][number]): Buffer {
  const number = Buffer.alloc(9);
  number[0] = Number.isInteger(value) ? (6 << 3) | 1 : (4 << 3) | 1;
  if (Number.isInteger(value)) number.writeBigInt64LE(BigInt(value), 1);
  else number.writeDoubleLE(value, 1);
  const time = Buffer.alloc(9);
  time[0] = (3 << 3) | 1;
  return Buffer.concat([time, number, attributes(7, own)]);
}

function attributes(field: number, values: Record<string, string>): Buffer {
  const pairs = Object.entries(values).map(([key, value]) =>
    bytes(field, Buffer.concat([bytes(1, Buffer.from(key)), bytes(2, bytes(1, Buffer.from(value)))])),
  );
  return Buffer.concat(pairs);
}

function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([number((field << 3) | 2), number(content.length), content]);
}

function varint(field: number, value: number): Buffer {
  return Buffer.concat([number(field << 3), number(value)]);
}

function number(value: number): Buffer {
  const out: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...out, left]);
    out.push((left % 128) | 128);
  }
}
