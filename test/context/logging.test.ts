import { describe, expect, test } from '@jest/globals';
import { createLogging, StartupFailure } from '#context';
import { environmentOf } from './scene.ts';

function logging(settings: Record<string, unknown>, isTerminal = false) {
  const lines: string[] = [];
  const factory = createLogging(environmentOf(settings), { sink: { write: (text) => lines.push(text) }, isTerminal });
  return { factory, lines };
}

describe('levels', () => {
  test('come from the longest name that is set, else from root', () => {
    const { factory, lines } = logging({
      'logging.level.root': 'warn',
      'logging.level.springtide.broker': 'DEBUG',
      'logging.level.Orders': 'off',
    });
    class Orders {}
    factory.getLogger('springtide.broker.group').debug('shown');
    factory.getLogger('springtide.client').info('hidden');
    factory.getLogger('springtide.client').warn('warned');
    factory.getLogger(Orders).error('off');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['shown', 'warned']);
  });

  test('that are no level fail the start with the words that are', () => {
    expect(() => logging({ 'logging.level.root': 'loud' })).toThrow(StartupFailure);
    expect(() => logging({ 'logging.level.root': 'loud' })).toThrow('trace, debug, info');
  });
});

describe('lines', () => {
  test('are JSON away from a terminal, with name, fields and message', () => {
    const { factory, lines } = logging({});
    factory.getLogger('orders').info({ topic: 'a' }, 'took one');
    expect(JSON.parse(lines[0])).toMatchObject({ level: 30, logger: 'orders', topic: 'a', msg: 'took one' });
  });

  test('say the message of a cause once, also where the error around it says it already', () => {
    const { factory, lines } = logging({});
    const cause = new Error('no route', { cause: new Error('cable cut') });
    const log = (error: Error) => factory.getLogger('orders').warn({ err: error }, 'x');
    log(new Error('cannot send: no route', { cause }));
    log(new Error('cannot send', { cause }));
    const circle = new Error('round');
    circle.cause = circle;
    log(circle);
    const errors = lines.map((line) => (JSON.parse(line) as { err: { type: string; message: string } }).err);
    expect(errors.map(({ type, message }) => `${type} ${message}`)).toEqual([
      'Error cannot send: no route: cable cut',
      'Error cannot send: no route: cable cut',
      'Error round',
    ]);
    expect(lines[0]).toContain('caused by: Error: cable cut');
  });

  test('are for people by setting, one each, with a stack only for errors', () => {
    const { factory, lines } = logging({ 'springtide.logging.format': 'pretty' });
    const log = factory.getLogger('orders');
    log.warn({ partition: 3, err: new RangeError('far') }, 'careful');
    log.error({ err: new RangeError('far') }, 'broken');
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}WARN orders +: careful {2}partition=3 {2}\[RangeError: far\]\n$/,
    );
    expect(lines[1]).toMatch(/ERROR orders +: broken\n {4}RangeError: far\n {8}at /);
  });

  test('for people do not repeat in fields what the message says', () => {
    const { factory, lines } = logging({ 'springtide.logging.format': 'pretty' });
    const log = factory.getLogger('orders');
    log.info({ topic: 'orders', partition: 3 }, 'read orders-13 of orders');
    log.warn({ err: new RangeError('far') }, 'the listener failed: far');
    expect(lines[0]).toMatch(/: read orders-13 of orders {2}partition=3\n$/);
    expect(lines[1]).toMatch(/: the listener failed: far {2}\[RangeError\]\n$/);
  });
});
