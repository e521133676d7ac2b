/** When records leave, how many together, and what a sender hears of them. */
import { describe, expect, test } from '@jest/globals';
import type { KafkaError } from '#core';
import { ProducerRecord, RecordMetadata } from '#serde';
import { Held } from '../scene.ts';
import { advancing, record, scene, TOPIC_ID, warm } from './scene.ts';

describe('lingering', () => {
  test('records sent within linger.ms leave in one batch', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 5 });
    producer.send(record('a'));
    await clock.advance(4);
    producer.send(record('b'));
    expect(log.arrived).toEqual([]);
    await clock.advance(1);
    expect(log.arrived.map((batch) => batch.values)).toEqual([['a', 'b']]);
    await producer.close();
  });

  test('a full batch does not linger, the one after it does', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 1000, 'batch.size': 500 });
    for (let i = 0; i < 13; i++) producer.send(record(`${i}`.padEnd(100, '.')));
    await clock.settle();
    expect(log.arrived.map((batch) => batch.values.length)).toEqual([4, 4, 4]);
    expect(log.arrived.every((batch) => batch.bytes <= 500)).toBe(true);
    await clock.advance(1000);
    expect(log.of('t').map((value) => Number.parseInt(value ?? '', 10))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ]);
    await producer.close();
  });

  test('linger.ms=0 still shares what was sent in one turn', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 0 });
    for (const value of ['a', 'b', 'c']) producer.send(record(value));
    await clock.settle();
    expect(log.arrived.map((batch) => batch.values)).toEqual([['a', 'b', 'c']]);
    await producer.close();
  });

  test('flush waits for nothing but the answers', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 60_000 });
    const handles = ['a', 'b'].map((value) => producer.send(record(value)));
    await producer.flush();
    expect(handles.every((handle) => handle.isDone)).toBe(true);
    expect(log.arrived).toHaveLength(1);
    expect(clock.now().monotonicMs).toBeLessThan(1000);
    await producer.close();
  });

  test('a record larger than batch.size gets a batch of its own', async () => {
    const { producer, log } = await warm({ 'batch.size': 200 });
    for (const value of ['a', 'b'.repeat(1000), 'c']) producer.send(record(value));
    await producer.flush();
    expect(log.arrived.map((batch) => batch.values.map((value) => value?.[0]))).toEqual([['a'], ['b'], ['c']]);
    await producer.close();
  });
});

describe('requests', () => {
  test('carry one batch of each partition, fairly when they do not all fit', async () => {
    const { producer, log, clock } = await warm(
      { 'linger.ms': 0, 'batch.size': 300, 'max.request.size': 700, 'max.in.flight.requests.per.connection': 1 },
      { partitionCount: 4 },
    );
    for (let i = 0; i < 8; i++) producer.send(record('x'.repeat(200), { partition: i % 4 }));
    await producer.flush();
    await clock.settle();
    const byRequest = Map.groupBy(log.arrived, (batch) => batch.request);
    expect([...byRequest.values()].map((batches) => batches.map((batch) => batch.partition))).toEqual([
      [0, 1],
      [2, 3],
      [0, 1],
      [2, 3],
    ]);
    await producer.close();
  });

  test('never exceed max.in.flight.requests.per.connection', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 0, 'max.in.flight.requests.per.connection': 3 });
    const gate = new Held<void>();
    log.gate = gate.promise;
    for (let i = 0; i < 10; i++) {
      producer.send(record(`${i}`));
      await clock.settle();
    }
    expect(log.requestCount).toBe(3);
    gate.resolve();
    await producer.flush();
    expect(log.of('t')).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    await producer.close();
  });

  test.each([
    [13, '', TOPIC_ID],
    [12, 't', 'AAAAAAAAAAAAAAAAAAAAAA'],
    [3, 't', 'AAAAAAAAAAAAAAAAAAAAAA'],
  ])('of version %i name the topic as that version does', async (max, name, topicId) => {
    const { producer, fakes } = await scene();
    fakes.broker.versions.set('Produce', { min: 0, max });
    await advancing(fakes.clock, producer.send(record('a')));
    expect(fakes.requests('Produce')[0].topicData[0]).toMatchObject({ name, topicId });
    expect(fakes.broker.asked.find((one) => one.api === 'Produce')?.version).toBe(max);
    await producer.close();
  });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('carry batches compressed with %s', async (codec) => {
    const { producer, log } = await warm({ 'compression.type': codec });
    for (let i = 0; i < 50; i++) producer.send(record('the same text again and again'));
    await producer.flush();
    expect(log.arrived[0]).toMatchObject({ compression: codec });
    expect(log.of('t')).toHaveLength(50);
    if (codec !== 'none') expect(log.arrived[0].bytes).toBeLessThan(500);
    await producer.close();
  });

  test('with acks=0 wait for no answer, and give no offset', async () => {
    const { producer, log, clock } = await warm({ acks: 0 });
    const metadata = await advancing(clock, producer.send(record('a')));
    expect(metadata.offset).toBe(-1);
    await clock.settle();
    expect(log.of('t')).toEqual(['a']);
    await producer.close();
  });
});

describe('what a sender hears', () => {
  test('is place, time and sizes of its record, by callback and by promise', async () => {
    const { producer, clock } = await warm();
    const heard: [RecordMetadata | null, KafkaError | null][] = [];
    const handles = ['a', 'bc'].map((value) =>
      producer.send(new ProducerRecord({ topic: 't', key: 'k', value, timestamp: 42 }), (metadata, error) =>
        heard.push([metadata, error]),
      ),
    );
    await producer.flush();
    expect(heard).toEqual([
      [new RecordMetadata('t', 0, 0, 42, 1, 1), null],
      [new RecordMetadata('t', 0, 1, 42, 1, 2), null],
    ]);
    expect(await handles[1]).toEqual(heard[1][0]);
    expect(handles[1].metadata).toEqual(heard[1][0]);
    expect(clock.now().wallMs).toBeGreaterThan(42);
    await producer.close();
  });

  test('is true when nobody looks, and no failure is left unhandled', async () => {
    const { producer, log, clock } = await warm();
    log.instead = () => ({ code: 87 });
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', listen);
    const handle = producer.send(record('a'));
    await producer.flush();
    await clock.settle();
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
    expect(handle.error?.code).toBe('INVALID_RECORD');
    await expect(handle.then()).rejects.toBe(handle.error);
    await producer.close();
  });

  test('comes for every record even if a callback throws', async () => {
    const { producer } = await warm();
    const heard: number[] = [];
    for (let i = 0; i < 3; i++) {
      producer.send(record('a'), () => {
        heard.push(i);
        throw new Error('careless');
      });
    }
    await producer.flush();
    expect(heard).toEqual([0, 1, 2]);
    await producer.close();
  });

  test('passes interceptors first', async () => {
    const seen: string[] = [];
    const interceptors = [
      {
        onSend: (one: ProducerRecord<string, string>) => record(`${one.value}!`),
        onAcknowledgement: (metadata: RecordMetadata | null) => void seen.push(`acknowledged ${metadata?.offset}`),
      },
    ];
    const { producer, log } = await warm({}, { interceptors });
    seen.length = 0;
    producer.send(record('a'), () => seen.push('called back'));
    await producer.flush();
    expect(log.of('t')).toEqual(['a!']);
    expect(seen).toEqual(['acknowledged 0', 'called back']);
    await producer.close();
  });

  test('is counted', async () => {
    const { producer, log } = await warm();
    for (let i = 0; i < 10; i++) producer.send(record('a'));
    await producer.flush();
    log.instead = () => ({ code: 87 });
    producer.send(record('b'));
    await producer.flush();
    // One record and one request more: the warm-up.
    expect(producer.metrics()).toMatchObject({
      'record-send-total': 11,
      'record-error-total': 1,
      'request-total': 3,
      'records-per-batch.max': 10,
      'buffer-available-bytes': 33554432,
    });
    await producer.close();
  });
});
