/** The package as it is published, in a project of a user. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Program } from '../processes/program.ts';
import { createProject, type Project } from './project.ts';

// Each test starts processes; a busy machine takes its time.

const FREE_PORT = 'listeners=PLAINTEXT://127.0.0.1:0';
let project: Project;
const programs: Program[] = [];

beforeAll(() => {
  project = createProject();
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop('SIGKILL');
});

afterAll(() => project.remove());

function start(file: string, args: readonly string[], nodeFlags: readonly string[] = []): Program {
  const program = new Program(join(project.path, file), { args, workingFolder: project.path }, nodeFlags);
  programs.push(program);
  return program;
}

describe('what is in it', () => {
  test('is the command, the program, its types and the documents, and nothing else', () => {
    const strangers = project.files.filter(
      (name) =>
        !/^(?:package\.json|README\.md|LICENSE|bin\/springtide\.mjs|docs\/.*\.md|dist\/lib\/.*\.(?:js|js\.map|d\.ts))$/.test(
          name,
        ),
    );
    expect(strangers).toEqual([]);
  });

  test('is every file that package.json names', () => {
    const { bin, exports } = JSON.parse(readFileSync(join(project.springtide, 'package.json'), 'utf8'));
    const doors = Object.values(exports).flatMap((door) =>
      typeof door === 'string' ? [door] : [(door as Door).types, (door as Door).default],
    );
    const named = [...doors, ...Object.values<string>(bin)].map((name) => name.replace('./', ''));
    expect(named.filter((name) => !project.files.includes(name))).toEqual([]);
  });

  test('is a few parts of a program, each with a map that holds its sources', () => {
    const parts = project.files.filter((name) => /^dist\/lib\/chunks\/.*\.js$/.test(name));
    expect(parts.length).toBeGreaterThan(5);
    expect(parts.length).toBeLessThan(20);
    const withoutSources = parts.filter((name) => {
      const map = JSON.parse(readFileSync(join(project.springtide, `${name}.map`), 'utf8'));
      return map.sourcesContent.length !== map.sources.length;
    });
    expect(withoutSources).toEqual([]);
  });
});

interface Door {
  types: string;
  default: string;
}

describe('its doors', () => {
  test('give one class under one name', () => {
    const twice = project.evaluate(`${CLASSES}
      const name = ([name]) => name;
      const differ = ([name, value]) => classes.some((other) => other[0] === name && other[1] !== value);
      console.log(JSON.stringify(classes.filter(differ).map(name)));`);
    expect(JSON.parse(twice)).toEqual([]);
  });

  test('give classes the names that they have in the source, where beans and headers take them from', () => {
    const print = `${CLASSES} console.log(JSON.stringify(classes.map(([name, { name: own }]) => [name, typeof own === 'string' ? own : ''])));`;
    const source = execFileSync(process.execPath, ['--conditions=springtide-src', '--input-type=module', '-e', print]);
    expect(JSON.parse(project.evaluate(print))).toEqual(JSON.parse(source.toString()));
  });

  test('give tests a Kafka', () => {
    const printed = project.evaluate(`
      import { KafkaProducer, ProducerRecord } from 'springtide/client';
      import { EmbeddedKafka } from 'springtide/testing';
      const kafka = await EmbeddedKafka.start({ topics: ['orders'] });
      const { bootstrapServers, transport } = kafka;
      const producer = new KafkaProducer({ 'bootstrap.servers': bootstrapServers }, { transport });
      console.log((await producer.send(new ProducerRecord('orders', Buffer.from('one')))).offset);
      await producer.close();
      await kafka.close();`);
    expect(printed).toBe('0\n');
  });
});

/** `classes`: name and class of what the doors export. */
const CLASSES = `
  const doors = await Promise.all(['', '/client', '/broker', '/testing'].map((door) => import('springtide' + door)));
  const classes = doors.flatMap((door) => Object.entries(door)).filter(([, value]) => /^class\\b/.test(value));`;

describe('the command', () => {
  const server = ['server', '--override', FREE_PORT, '--override', 'log.dirs=./broker-data'];

  test('is ready after it has read a dozen files of ours and the packages that every broker needs', async () => {
    const program = start('node_modules/springtide/bin/springtide.mjs', server, ['--import', TELL_LOADED]);
    await program.sees(/springtide broker ready/);
    expect(await program.stop()).toBe(0);
    const loaded = /^loaded (.*)$/m.exec(program.output)?.[1].split(' ') ?? [];
    expect(loaded.filter((url) => url.includes('/dist/lib/')).length).toBeLessThan(15);
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(join(project.springtide, 'package.json'), 'utf8'),
    );
    const packages = Object.keys({ ...dependencies, ...peerDependencies });
    const needed = packages.filter((name) => loaded.some((url) => url.includes(`/node_modules/${name}/`)));
    expect(needed).toEqual(['@node-rs/crc32', 'commander', 'pino', 'reflect-metadata']);
  });
});

/** Prints at the end what was loaded. */
const TELL_LOADED = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
  process.on('exit', () => console.log('loaded ' + loaded.join(' ')));`)}`;

test('says where a decorator was written wrongly, and nothing of our own', () => {
  const wrong = `
    import { KafkaListener } from 'springtide';
    class Shop { onOrder() {} }
    const descriptor = Object.getOwnPropertyDescriptor(Shop.prototype, 'onOrder');
    KafkaListener({ topic: 'orders' })(Shop.prototype, 'onOrder', descriptor);`;
  expect(() => project.evaluate(wrong)).toThrow(/@KafkaListener on Shop\.onOrder: [\s\S]*at file:.*eval1\]:5:/);
  expect(() => project.evaluate(wrong)).not.toThrow(/dist\/lib/);
});

describe('an application on it', () => {
  beforeAll(() => {
    project.copy('samples/01-hello', 'main.ts', 'application.yaml');
    project.compile();
  });

  test('compiles against its types, and listens on the broker in its worker thread', async () => {
    const program = start('main.js', [`--springtide.broker.${FREE_PORT}`]);
    await program.sees(/received: Hello, world!/);
    await program.sees(/worker/);
    expect(await program.stop()).toBe(0);
  });
});
