import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Environment, loadEnvironment, StartupFailure } from '#context';
import { folderWith, load } from './scene.ts';

function refusal(run: () => unknown): StartupFailure {
  try {
    run();
  } catch (error) {
    if (error instanceof StartupFailure) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('sources', () => {
  test('later sources win: defaults, yaml, environment, JSON, command line, overrides', () => {
    const files = { 'application.yaml': 'k: { a: yaml, b: yaml, c: yaml, d: yaml, e: yaml }' };
    const environment = load(files, {
      defaults: { 'k.a': 'default', 'k.z': 'default' },
      env: {
        K_B: 'env',
        K_C: 'env',
        K_D: 'env',
        K_E: 'env',
        SPRING_APPLICATION_JSON: '{"k":{"c":"json","d":"json","e":"json","n":null}}',
      },
      args: ['positional', '--k.d=cli', '--k.e=cli', '--k.flag'],
      overrides: { 'k.e': 'override' },
    });
    expect(environment.subtree('k')).toEqual({
      a: 'yaml',
      b: 'env',
      c: 'json',
      d: 'cli',
      e: 'override',
      z: 'default',
      flag: 'true',
    });
  });

  test('outer files beat packaged ones, config/ beats the folder above it, .yaml beats .yml', () => {
    const packagedFolder = folderWith({
      'application.yaml': 'a: packaged\nb: packaged\nc: packaged\nd: packaged',
      'config/application.yaml': 'b: packaged-config',
    });
    const environment = load(
      {
        'application.yml': 'c: yml\nd: yml',
        'application.yaml': 'd: yaml',
        'config/application.yaml': 'e: config',
        'config/x/application.yaml': 'e: child',
      },
      { packagedFolder },
    );
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => environment.getProperty(key))).toEqual([
      'packaged',
      'packaged-config',
      'yml',
      'yaml',
      'child',
    ]);
  });

  test('spring.config.location replaces the places, additional-location adds above them, name changes the base', () => {
    const workingFolder = folderWith({
      'application.yaml': 'a: here',
      'other/application.yaml': 'a: other',
      'other/shop.yaml': 'a: shop',
      'extra.yaml': 'a: extra',
    });
    const read = (...args: string[]) => loadEnvironment({ workingFolder, args }).getProperty('a');
    expect(read()).toBe('here');
    expect(read('--spring.config.location=other/')).toBe('other');
    expect(read('--spring.config.location=other/', '--spring.config.name=shop')).toBe('shop');
    expect(read('--spring.config.additional-location=extra.yaml')).toBe('extra');
    expect(read('--spring.config.location=optional:nowhere/')).toBeUndefined();
    expect(refusal(() => read('--spring.config.location=nowhere/')).description).toContain('nowhere');
  });

  test('spring.config.import lies over its document, relative to its file, once', () => {
    const environment = load({
      'application.yaml': 'spring.config.import: "optional:file:./none.yaml,parts/a.yaml"\na: main\nb: main',
      'parts/a.yaml': 'a: part\nspring.config.import: b.yaml',
      'parts/b.yaml': 'c: deep',
    });
    expect(['a', 'b', 'c'].map((key) => environment.getProperty(key))).toEqual(['part', 'main', 'deep']);
    expect(refusal(() => load({ 'application.yaml': 'spring.config.import: none.yaml' })).action).toContain(
      'optional:',
    );
  });
});

describe('names', () => {
  const yaml =
    'spring: { kafka: { bootstrapServers: b, consumer: { group_id: g }, properties: { "[x.y]": 1, max.poll.records: 2 } } }';

  test('kebab, camel and snake case are one key', () => {
    const environment = load({ 'application.yaml': yaml });
    expect(environment.getProperty('spring.kafka.bootstrap-servers')).toBe('b');
    expect(environment.getProperty('spring.kafka.consumer.group-id')).toBe('g');
    expect(environment.subtree('spring.kafka.properties')).toEqual({ 'x.y': '1', 'max.poll.records': '2' });
  });

  test.each(['SPRING_KAFKA_BOOTSTRAPSERVERS', 'SPRING_KAFKA_BOOTSTRAP_SERVERS', 'spring_kafka_bootstrap_servers'])(
    'the environment variable %s is spring.kafka.bootstrap-servers',
    (variable) => {
      const environment = load({}, { env: { [variable]: 'x:1' } });
      expect(environment.getProperty('spring.kafka.bootstrap-servers')).toBe('x:1');
      expect(environment.subtree('spring.kafka', ['spring.kafka.bootstrap-servers'])).toEqual({
        'bootstrap-servers': 'x:1',
      });
    },
  );

  test('environment variables become dotted map keys, indexes and known spellings', () => {
    const environment = load(
      { 'application.yaml': 'app: { main-topic: a }' },
      {
        env: { SPRINGTIDE_BROKER_LOG_DIRS: '/d', APP_MAIN_TOPIC: 'b', APP_LIST_0: 'x', APP_LIST_1: 'y', HOME: '/root' },
      },
    );
    expect(environment.subtree('springtide.broker')).toEqual({ 'log.dirs': '/d' });
    expect(environment.subtree('app')).toEqual({ 'main-topic': 'b', list: ['x', 'y'] });
    expect(environment.getList('app.list')).toEqual(['x', 'y']);
    expect(environment.resolvePlaceholders('${HOME}')).toBe('/root');
  });

  test('the highest source replaces a whole list; maps are merged key by key', () => {
    const environment = load(
      { 'application.yaml': 'l: [a, b, c]\nm: { x: 1, y: 2 }' },
      { args: ['--l[0]=z', '--m.y=3'] },
    );
    expect(environment.getList('l')).toEqual(['z']);
    expect(environment.subtree('m')).toEqual({ x: '1', y: '3' });
  });
});

describe('yaml', () => {
  test('scalars keep their text, lists and maps in lists are found by index, anchors and merges hold', () => {
    const environment = load({
      'application.yaml': [
        'v: 1.10',
        'big: 12345678901234567890',
        'empty:',
        'list:',
        '  - a',
        '  - b',
        'maps:',
        '  - name: x',
        '  - name: y',
        'base: &base { p: 1, q: 2 }',
        'derived:',
        '  q: 3',
        '  <<: *base',
      ].join('\n'),
    });
    expect(environment.getProperty('v')).toBe('1.10');
    expect(environment.getProperty('big')).toBe('12345678901234567890');
    expect(environment.getProperty('empty')).toBe('');
    expect(environment.getProperty('list')).toBe('a,b');
    expect(environment.getProperty('list[1]')).toBe('b');
    expect(environment.getProperty('maps[1].name')).toBe('y');
    expect(environment.subtree('derived')).toEqual({ p: '1', q: '3' });
  });

  test('every value knows its file and line', () => {
    const environment = load(
      { 'config/application.yaml': '# first\nspring:\n  kafka:\n    client-id: x\n    admin:\n' },
      { env: { A: '1' }, args: ['--b=2'] },
    );
    expect(environment.originText('spring.kafka.client-id')).toBe(join('config', 'application.yaml:4'));
    expect(environment.originText('spring.kafka.admin')).toBe(join('config', 'application.yaml:5'));
    expect(environment.originText('a')).toBe('environment variable A');
    expect(environment.originText('b')).toBe('command line --b');
    expect(environment.originText('c')).toBeUndefined();
  });

  test.each([
    ['a:\n  b: 1\n c: 2\n', 'application.yaml:3'],
    ['a: 1\na: 2\n', 'application.yaml:2'],
    ['- just\n- a list\n', 'application.yaml:1'],
  ])('%j is refused with its line', (text, origin) => {
    const refused = refusal(() => load({ 'application.yaml': text }));
    expect(refused.description).toBe('application.yaml is not valid yaml.');
    expect(refused.details).toContainEqual(['Origin', origin]);
  });
});

describe('placeholders', () => {
  const environment = new Environment();
  const full = load({
    'application.yaml': 'a: ${b:x}-1\nb: B\nloop: ${pool}\npool: ${loop}\nkey: b\nlist: [ "${b}", c ]',
  });

  test.each([
    ['${a}', 'B-1'],
    ['${none:${a}}', 'B-1'],
    ['${${key}}', 'B'],
    ['${none:}', ''],
    ['${none:http://h:1/x}', 'http://h:1/x'],
    ['\\${a} ${b}', '${a} B'],
    ['pre ${a} mid ${b} post', 'pre B-1 mid B post'],
    ['${list}', 'B,c'],
    ['${unclosed', '${unclosed'],
  ])('%s is %s', (text, expected) => {
    expect(full.resolvePlaceholders(text)).toBe(expected);
  });

  test('without value and default fail, naming key, property and line', () => {
    const refused = refusal(() => load({ 'application.yaml': '\na: ${missing.key}' }).getProperty('a'));
    expect(refused.details).toEqual([
      ['Placeholder', '${missing.key}'],
      ['Property', 'a'],
      ['Origin', 'application.yaml:2'],
      ['Text', '${missing.key}'],
    ]);
    expect(() => environment.resolvePlaceholders('${x}')).toThrow("A placeholder asks for 'x', which is not set.");
  });

  test('that refer to themselves fail with the circle', () => {
    expect(refusal(() => full.getProperty('loop')).description).toContain('pool → loop → pool');
  });
});

describe('profiles', () => {
  const files = {
    'application.yaml':
      'a: base\nb: base\nc: base\n---\nspring.config.activate.on-profile: "dev & !ci"\nb: dev-doc\n---\nc: second\n',
    'application-dev.yaml': 'a: dev',
    'application-ci.yml': 'a: ci',
    'application-default.yaml': 'a: default-file',
  };
  const read = (...args: string[]) => {
    const environment = load(files, { args });
    return ['a', 'b', 'c'].map((key) => environment.getProperty(key));
  };

  test('profile files lie over the base, documents with on-profile count where they stand, the last profile wins', () => {
    expect(read('--spring.profiles.active=dev')).toEqual(['dev', 'dev-doc', 'second']);
    expect(read('--spring.profiles.active=dev,ci')).toEqual(['ci', 'base', 'second']);
    expect(read('--spring.profiles.active=ci,dev')).toEqual(['dev', 'base', 'second']);
  });

  test('without an active profile the default one counts', () => {
    expect(read()).toEqual(['default-file', 'base', 'second']);
    expect(load(files).activeProfiles).toEqual([]);
    expect(load(files).acceptsProfile('default')).toBe(true);
  });

  test('the environment replaces the list of the file; includes and groups add', () => {
    const yaml = 'spring.profiles: { active: a, include: [i], group: { prod: [db, mq] } }';
    expect(load({ 'application.yaml': yaml }).activeProfiles).toEqual(['i', 'a']);
    expect(load({ 'application.yaml': yaml }, { env: { SPRING_PROFILES_ACTIVE: 'prod' } }).activeProfiles).toEqual([
      'i',
      'prod',
      'db',
      'mq',
    ]);
  });

  test('may not be chosen in a place that depends on profiles', () => {
    const refused = refusal(() =>
      load({ 'application.yaml': 'a: 1\n---\nspring.config.activate.on-profile: default\nspring.profiles.active: x' }),
    );
    expect(refused.details).toEqual([['Origin', 'application.yaml:4']]);
    expect(refusal(() => load({}, { args: ['--spring.profiles.active=a b'] })).description).toContain(
      "'a b' is not a profile name",
    );
  });
});

describe('conversions', () => {
  const environment = load({
    'application.yaml':
      'a: { wait: 30s, iso: PT1M30S, plain: 250, size: 5MB, on: "yes", n: 12, l: "x, y", bad: 5 min, words: many, none: }',
  });

  test.each([
    ['a.wait', 'duration-ms', 30_000],
    ['a.iso', 'duration-ms', 90_000],
    ['a.plain', 'duration-ms', 250],
    ['a.size', 'bytes', 5_242_880],
    ['a.on', 'boolean', true],
    ['a.n', 'number', 12],
    ['a.l', 'list', ['x', 'y']],
    ['a.none', 'number', undefined],
    ['a.absent', 'number', undefined],
  ] as const)('%s as %s is %j', (key, type, expected) => {
    expect(environment.get(key, type)).toEqual(expected);
  });

  test('a text that does not fit fails with key, value, origin and rule', () => {
    const refused = refusal(() => environment.get('a.bad', 'duration-ms'));
    expect(refused.description).toBe("Failed to bind 'a.bad' to a duration:");
    expect(refused.details).toEqual([
      ['Property', 'a.bad'],
      ['Value', '"5 min"'],
      ['Origin', 'application.yaml:1'],
      ['Reason', "'5 min' is no duration"],
    ]);
    expect(refused.action).toContain('5m');
    expect(refusal(() => environment.get('a.words', 'boolean')).message).toContain("'many' is neither true nor false");
    expect(refusal(() => environment.getRequired('a.absent')).action).toContain('--a.absent=');
  });
});
