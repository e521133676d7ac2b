import { describe, expect, test } from '@jest/globals';
import { ApplicationContext, explainFailure, StartupFailure } from '#context';
import { KafkaError } from '#core';

describe('a failure is explained', () => {
  test('as it is when it explains itself', () => {
    const failure = new StartupFailure('wrong', { action: 'do' });
    expect(explainFailure(failure)).toBe(failure);
  });

  test('with the way out for a port in use', () => {
    const cause = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' });
    const { description, action } = explainFailure(
      new KafkaError('NETWORK_EXCEPTION', 'cannot listen on 127.0.0.1:9092', { cause }),
    );
    expect(description).toBe('cannot listen on 127.0.0.1:9092');
    expect(action).toContain('springtide.broker.listeners');
  });

  test('once: what a listening error advises itself is left out, and the line of the listeners key is told', () => {
    const text =
      'The address 127.0.0.1:9092 is in use by another program (perhaps a broker). Stop it, or choose another.';
    const failure = explainFailure(new KafkaError('NETWORK_EXCEPTION', text), [['listeners', 'application.yaml:7']]);
    expect(failure.description).toBe('The address 127.0.0.1:9092 is in use by another program (perhaps a broker).');
    expect(failure.action).toMatch(/^Another process listens there/);
    expect(failure.details).toContainEqual(['Origin', 'application.yaml:7']);
  });

  test('with the place of a key only where the text names the key, not a word like it', () => {
    const origins: [string, string, string?][] = [
      ['listeners', 'application.yaml:7'],
      ['acks', 'application.yaml:8', 'most'],
    ];
    const originOf = (text: string) =>
      explainFailure(new KafkaError('INVALID_CONFIG', text), origins).details.find(
        ([label]) => label === 'Origin',
      )?.[1];
    expect(originOf("two listeners have the id 'a'")).toBeUndefined();
    expect(originOf('advertised.listeners=x is wrong')).toBeUndefined();
    expect(originOf('listeners=x is wrong')).toBe('application.yaml:7');
    expect(originOf('acks: "most" is not allowed')).toBe('application.yaml:8');
    expect(originOf('acks: "few" is not allowed')).toBeUndefined();
  });

  test('with the same way out when the error has lost its cause on the way from another thread', () => {
    const error = new KafkaError('NETWORK_EXCEPTION', 'The address 127.0.0.1:9092 is in use by another program.');
    expect(explainFailure(error).action).toContain('springtide.broker.listeners');
  });

  test('with the way out for a locked data folder', () => {
    const { action } = explainFailure(new KafkaError('LOCKED', 'data is in use by process 12'));
    expect(action).toContain('springtide.broker.log.dirs');
  });

  test('with the place of the longest key that the text names', () => {
    const error = new KafkaError('INVALID_CONFIG', 'num.partitions.x: "a" is not allowed');
    const origins: [string, string][] = [
      ['num.partitions', 'application.yaml:3'],
      ['num.partitions.x', 'application.yaml:4'],
    ];
    expect(explainFailure(error, origins).details).toContainEqual(['Origin', 'application.yaml:4']);
  });

  test('with bean and place in the code when a bean throws', async () => {
    const context = new ApplicationContext();
    context.register({
      name: 'bad',
      type: undefined,
      create: () => {
        throw new TypeError('not so');
      },
      origin: 'test',
    });
    const thrown: unknown = await context.start().catch((error: unknown) => error);
    const failure = explainFailure(thrown);
    expect(failure.description).toBe('TypeError: not so');
    expect(failure.details[0]).toEqual(['Bean', "'bad' (test)"]);
    expect(failure.details[1][1]).toContain('failure-analysis.test.ts');
  });
});
