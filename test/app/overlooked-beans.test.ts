/** Beans that the framework looks for by name: used under that name, told of under another. */
import 'reflect-metadata';
import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  type CommonErrorHandler,
  type ConsumerRecord,
  type ErrorDecision,
  KafkaListener,
  KafkaTemplate,
  type ProducerListener,
  type ProducerRecord,
  type RecordFailure,
  type RecordFilterStrategy,
  type RecordMetadata,
  Service,
} from '#app';
import { lines, run } from './run.ts';

beforeEach(() => {
  lines.length = 0;
});

const warnings = () => lines.join('').match(/the bean '[^"]*is not used[^"]*/g) ?? [];

class Sent implements ProducerListener {
  readonly offsets: number[] = [];
  onSuccess(_record: ProducerRecord, metadata: RecordMetadata): void {
    this.offsets.push(metadata.offset);
  }
}

describe('a bean of an own class', () => {
  test('hears of sends under the name kafkaProducerListener, without a warning', async () => {
    @Service('kafkaProducerListener')
    class Listener extends Sent {}
    await using context = await run([Listener]);
    await context.get<KafkaTemplate<string, string>>(KafkaTemplate).send('t', 'v');
    expect(context.get(Listener).offsets).toEqual([0]);
    expect(warnings()).toEqual([]);
  });

  test('that looks like a producer listener, error handler or filter is told of under another name', async () => {
    @Service()
    class Audit extends Sent {}
    @Service()
    class Handler implements CommonErrorHandler {
      handleOne(_failure: RecordFailure): ErrorDecision {
        throw new Error('not used');
      }
    }
    @Service()
    class OldRecordFilter implements RecordFilterStrategy {
      filter(_record: ConsumerRecord): boolean {
        return false;
      }
    }
    await using _ = await run([Audit, Handler, OldRecordFilter]);
    expect(warnings()).toEqual([
      expect.stringMatching(/'audit' \(class Audit\) looks like a ProducerListener .*Call it 'kafkaProducerListener'/),
      expect.stringMatching(/'handler' \(class Handler\) looks like a CommonErrorHandler .*'commonErrorHandler'/),
      expect.stringMatching(/'oldRecordFilter' .* looks like a RecordFilterStrategy .*'recordFilterStrategy'/),
    ]);
  });

  test('that a listener names itself is in use', async () => {
    @Service()
    class RecordFilter implements RecordFilterStrategy {
      filter(_record: ConsumerRecord): boolean {
        return false;
      }
    }
    @Service()
    class Reads {
      @KafkaListener({ id: 'reads', topics: 't', filter: 'recordFilter' })
      on(_text: string): void {}
    }
    await using _ = await run([RecordFilter, Reads]);
    expect(warnings()).toEqual([]);
  });
});
