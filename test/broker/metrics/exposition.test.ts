import { describe, expect, test } from '@jest/globals';
import { exposition } from '../../../src/broker/metrics/exposition.ts';
import { metricTable, seriesName } from '../../../src/broker/metrics/index.ts';
import { readExposition } from './strict-exposition.ts';

const family = { name: 'a_total', mbean: 'k:type=A', kind: 'counter', doc: 'What it is.' } as const;

describe('the text for Prometheus', () => {
  test('keeps any name of a topic or client, and any number', () => {
    const names = ['plain', 'quote"', 'back\\slash', 'line\nend', '{a="b",}', 'ümläut 漢', ''];
    const samples = [
      ...names.map((topic) => ({ labels: { topic }, value: 1 })),
      ...[0.1, 1e21, 1e-7].map((value, index) => ({ labels: { topic: `n${index}` }, value })),
    ];
    const text = [...exposition([{ ...family, doc: 'With \\ and\nmore.', samples }])].join('');
    expect(readExposition(text).get('a_total')!.series.size).toBe(names.length + 3);
    expect(text).toContain('# HELP a_total With \\\\ and\\nmore.\n');
    expect(text).toContain('{topic="line\\nend"}');
  });

  test('comes in pieces when it is long, and leaves out what has no series', () => {
    const samples = Array.from({ length: 2000 }, (_, index) => ({ labels: { topic: `t${index}` }, value: index }));
    const pieces = [
      ...exposition([
        { ...family, samples },
        { ...family, name: 'b_total', samples: [] },
      ]),
    ];
    expect(pieces.length).toBeGreaterThan(3);
    const families = readExposition(pieces.join(''));
    expect([...families.keys()]).toEqual(['a_total']);
    expect(families.get('a_total')!.series.size).toBe(2000);
  });

  test('reads no more values than a piece has lines, so that ten thousand partitions hold nobody up', () => {
    let readCount = 0;
    const samples = {
      *[Symbol.iterator]() {
        for (; readCount < 10_000; readCount++) yield { labels: { topic: `t${readCount}` }, value: 1 };
      },
    };
    const pieces = exposition([{ ...family, samples }])[Symbol.iterator]();
    for (let count = 1; count <= 3; count++) {
      pieces.next();
      expect(readCount).toBeLessThanOrEqual(count * 500);
    }
  });

  test.each([
    ['a 1\n', 'before its TYPE'],
    ['# TYPE a gauge\na 1\n', 'TYPE without its HELP'],
    ['# HELP a x\n# TYPE a gauge\na 1\na 2\n', 'twice'],
    ['# HELP a x\n# TYPE a counter\na 1\n', '_total'],
    ['# HELP a x\n# TYPE a gauge\na{b="c} 1\n', 'bad labels'],
    ['# HELP a x\n# TYPE a gauge\na one\n', 'no number'],
    ['# HELP a x\n# TYPE a summary\na{quantile="0.5"} 1\na_sum{} 1\n', 'whole summary'],
    ['# HELP a x\n# TYPE a gauge\na 1', 'no end'],
  ])('is read strictly by these tests: %j', (text, why) => {
    expect(() => readExposition(text)).toThrow(why);
  });
});

describe('the table of metrics', () => {
  test('names no series twice', () => {
    const names = metricTable.map(seriesName);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test.each([
    [
      'kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec',
      'counter',
      'kafka_server_brokertopicmetrics_bytesin_total',
    ],
    ['kafka.network:type=RequestMetrics,name=TotalTimeMs', 'summary', 'kafka_network_requestmetrics_totaltimems'],
    [
      'kafka.server:type=socket-server-metrics,connection-creation-total',
      'counter',
      'kafka_server_socket_server_metrics_connection_creation_total',
    ],
    ['process:type=cpu_seconds_total', 'counter', 'process_cpu_seconds_total'],
  ] as const)('gives %s, a %s, the name %s', (mbean, kind, name) => {
    expect(seriesName({ mbean, kind })).toBe(name);
  });
});
