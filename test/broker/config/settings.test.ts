/** What the keys of a server.properties come to, and what is said of those that come to nothing. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { brokerConfigTable, isKnownBrokerKey } from '#broker';
import { passedOver } from '../../../src/broker/config/passed-over-keys.ts';
import { readSettings } from '../../../src/broker/config/settings.ts';
import { LogBook } from '../scene.ts';
import { stockKeys } from './stock-keys.ts';

function settingsOf(given: Record<string, string>) {
  const book = new LogBook();
  return { settings: readSettings(given, book.logger), book };
}

const refusal = (given: Record<string, string>) => () => settingsOf(given);

test('the server.properties that Kafka brings is taken as it is, and what is passed over is told by name', () => {
  const { settings, book } = settingsOf(stockKeys);
  expect(settings.listeners).toEqual([
    {
      bind: { name: 'PLAINTEXT', host: '', port: 9092 },
      advertised: { name: 'PLAINTEXT', host: 'localhost', port: 9092 },
    },
  ]);
  expect([settings.nodeId, settings.logDirs.paths]).toEqual([1, ['/tmp/kraft-combined-logs']]);
  expect(book.at('warn')).toEqual([]);
  const told = book.at('info').join('\n');
  for (const key of ['num.network.threads', 'num.io.threads', 'socket.send.buffer.bytes', 'CONTROLLER://:9093']) {
    expect(told.split(key)).toHaveLength(2);
  }
  expect(book.lines.length).toBeLessThanOrEqual(6);
});

test('every key of Apache Kafka 4.4.0 works or is passed over by name, and none both', () => {
  const keys = readFileSync('test/broker/config/kafka-broker-keys.txt', 'utf8').trim().split('\n');
  expect(keys.length).toBeGreaterThan(200);
  expect(keys.filter((key) => !isKnownBrokerKey(key))).toEqual([]);
  expect(Object.keys(brokerConfigTable).filter((key) => passedOver(key) !== undefined)).toEqual([]);
});

describe('a key without effect', () => {
  test('on which somebody may rely is warned about with what to do, all of a kind in one line', () => {
    const { book } = settingsOf({
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'ssl.keystore.location': '/keys',
      'listener.name.plaintext.ssl.client.auth': 'required',
      'remote.log.storage.system.enable': 'true',
    });
    expect(book.at('warn')).toEqual([
      'Passed over: authorizer.class.name, ssl.keystore.location, listener.name.plaintext.ssl.client.auth (TLS, SASL and ACLs are not served: whoever reaches a listener may do everything, so let only trusted programs reach it)',
      expect.stringMatching(/^Passed over: remote\.log\.storage\.system\.enable \(tiered storage is not served/),
    ]);
  });

  test('that nobody knows is told with the one that was meant', () => {
    const { book } = settingsOf({ 'num.partition': '3', 'listener.name.plaintext.nonsense': '1' });
    expect(book.at('warn')).toEqual(['Unknown broker key "num.partition" is ignored. Did you mean "num.partitions"?']);
  });
});

describe('listeners', () => {
  test('may be several, under names of their own', () => {
    const { settings } = settingsOf({
      listeners: 'INTERNAL://127.0.0.1:9092,EXTERNAL://:9094',
      'advertised.listeners': 'EXTERNAL://kafka.example.org:9094',
      'listener.security.protocol.map': 'INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT',
      'inter.broker.listener.name': 'INTERNAL',
      'listener.name.external.max.connections': '7',
    });
    expect(settings.listeners.map(({ bind, advertised }) => [bind.name, bind.port, advertised?.host])).toEqual([
      ['INTERNAL', 9092, undefined],
      ['EXTERNAL', 9094, 'kafka.example.org'],
    ]);
    expect(settings.connectionLimits.listeners.get('EXTERNAL')?.countMax).toBe(7);
  });

  const wrong: [what: string, given: Record<string, string>, text: RegExp][] = [
    ['that asks for TLS', { listeners: 'SSL://:9093' }, /listeners=SSL asks for SSL, which this broker does not serve/],
    [
      'with a name that is no protocol',
      { listeners: 'INTERNAL://:9092' },
      /map it: listener\.security\.protocol\.map=/,
    ],
    ['without a port', { listeners: 'PLAINTEXT://localhost' }, /must read NAME:\/\/host:port/],
    [
      'with a port twice',
      { listeners: 'PLAINTEXT://a:1,B://a:1', 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,B:PLAINTEXT' },
      /uses a:1 twice/,
    ],
    [
      'of brokers that is none',
      { 'inter.broker.listener.name': 'INTERNAL' },
      /inter\.broker\.listener\.name=INTERNAL must be one of the listeners: PLAINTEXT/,
    ],
    [
      'with a map that is none',
      { 'listener.security.protocol.map': 'PLAINTEXT' },
      /=PLAINTEXT must read NAME:PROTOCOL/,
    ],
    ['told but not open', { 'advertised.listeners': 'OTHER://a:1' }, /names OTHER, which is not among the listeners/],
    [
      'told as every interface',
      { 'advertised.listeners': 'PLAINTEXT://0.0.0.0:1' },
      /must name a host that clients can reach/,
    ],
    [
      'of the controller alone',
      { listeners: 'C://:1', 'controller.listener.names': 'C' },
      /names no listener for clients/,
    ],
  ];
  test.each(wrong)('%s are refused with key, value and remedy', (_what, given, text) => {
    expect(refusal(given)).toThrow(text);
  });
});

describe('a node that is not alone', () => {
  const wrong: [given: Record<string, string>, text: string][] = [
    [
      { 'process.roles': 'broker' },
      'process.roles=broker: a node that is only one of both is not served. Write process.roles=broker,controller, or leave it out.',
    ],
    [
      { 'controller.quorum.voters': '1@a:1,2@b:1' },
      'controller.quorum.voters=1@a:1,2@b:1: this node is the only controller of its cluster; it cannot join another one. Write controller.quorum.voters=1@localhost:9093, or leave it out.',
    ],
    [{ 'node.id': '1', 'controller.quorum.voters': '2@a:1' }, 'controller.quorum.voters=2@a:1: this node is the only'],
    [
      { 'controller.quorum.bootstrap.servers': 'a:1,b:1' },
      'controller.quorum.bootstrap.servers=a:1,b:1: this node is the only',
    ],
    [{ 'process.roles': 'brokers' }, 'process.roles: "brokers" is not allowed: must be one of broker, controller'],
  ];
  test.each(wrong)('is refused: %j', (given, text) => {
    expect(refusal(given)).toThrow(text);
  });

  test('is what Kafka calls a static quorum of one, and that is taken', () => {
    const { settings, book } = settingsOf({ 'node.id': '3', 'controller.quorum.voters': '3@localhost:9093' });
    expect([settings.nodeId, book.lines]).toEqual([3, []]);
  });
});
