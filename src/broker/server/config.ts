/** The keys of the broker's connections; they join the broker's table. Where a default is not Kafka's, the text says so. */
import { defineConfig } from '#core';

const PLAINTEXT_MAP = 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT';

/** Who this node is, and where it listens. */
export const listenerConfigTable = defineConfig({
  listeners: {
    type: 'list',
    default: ['PLAINTEXT://127.0.0.1:9092'],
    importance: 'high',
    doc: 'Addresses to listen on, `NAME://host:port`, where the name is PLAINTEXT or one that `listener.security.protocol.map` maps to it. Port 0 takes a free one; an empty host is every interface. Kafka listens on every interface by default.',
  },
  'advertised.listeners': {
    type: 'list',
    default: null,
    importance: 'high',
    doc: 'Addresses that clients are told, one a listener, when they differ from `listeners` (containers, NAT).',
  },
  'listener.security.protocol.map': {
    type: 'list',
    default: PLAINTEXT_MAP.split(','),
    kafkaType: 'string',
    importance: 'low',
    doc: 'The security protocol of each listener name. Only PLAINTEXT is served.',
  },
  'inter.broker.listener.name': {
    type: 'string',
    default: null,
    importance: 'medium',
    doc: 'The listener by which brokers reach each other: one of `listeners`. There is no other broker yet.',
  },
  'process.roles': {
    type: 'list',
    default: ['broker', 'controller'],
    oneOf: ['broker', 'controller'],
    importance: 'high',
    doc: 'What this node is. It is always both: a broker, and the only controller of its cluster.',
  },
  'controller.listener.names': {
    type: 'list',
    default: [],
    importance: 'high',
    doc: 'Listeners of the controller. They are not opened: it lives inside the broker.',
  },
  'controller.quorum.voters': {
    type: 'list',
    default: [],
    importance: 'high',
    doc: 'The controllers, `id@host:port`: this node alone, if any is given.',
  },
  'controller.quorum.bootstrap.servers': {
    type: 'list',
    default: [],
    importance: 'high',
    doc: 'Addresses of the controllers: one, if any is given.',
  },
});

const INT_MAX = 2_147_483_647;

export const networkConfigTable = defineConfig({
  'socket.request.max.bytes': {
    type: 'int',
    default: 104_857_600,
    min: 1,
    importance: 'high',
    doc: 'Largest request, bytes. A longer one is refused before it is buffered, and its connection closed.',
  },
  'socket.listen.backlog.size': {
    type: 'int',
    default: 50,
    min: 1,
    importance: 'medium',
    doc: 'Connections that may wait to be taken: in the kernel, and while `max.connections` or `max.connection.creation.rate` hold them up.',
  },
  'queued.max.request.bytes': {
    type: 'long',
    default: 268_435_456,
    min: -1,
    importance: 'medium',
    unit: 'bytes',
    doc: 'The most memory of all requests together that have not been answered, those among them that are still being read. When it is used up, requests above 64 KiB are read one after the other. -1 = without limit, as Kafka does.',
  },
  'springtide.broker.queued.reply.bytes.max': {
    type: 'bytes',
    kafkaType: 'long',
    default: 134_217_728,
    min: 1_048_576,
    importance: 'low',
    doc: 'The most memory of all replies together that clients have not read. Fetches bring less as it is used up; when it is, requests wait, and clients that do not read for a second are closed.',
  },
  'max.connections': {
    dynamic: 'cluster-wide',
    type: 'int',
    default: INT_MAX,
    min: 0,
    importance: 'medium',
    doc: 'Connections at a time; further ones wait until there is room (`socket.listen.backlog.size` of them). Also for one listener: `listener.name.plaintext.max.connections`.',
  },
  'max.connections.per.ip': {
    dynamic: 'cluster-wide',
    type: 'int',
    default: INT_MAX,
    min: 0,
    importance: 'medium',
    doc: 'Connections of one address at a time; further ones are closed at once.',
  },
  'max.connections.per.ip.overrides': {
    dynamic: 'cluster-wide',
    type: 'list',
    kafkaType: 'string',
    default: [],
    importance: 'medium',
    doc: 'Addresses that have a `max.connections.per.ip` of their own, for example `10.0.0.7:100,[fd00::1]:200`.',
  },
  'max.connection.creation.rate': {
    dynamic: 'cluster-wide',
    type: 'int',
    default: INT_MAX,
    min: 1,
    importance: 'medium',
    doc: 'New connections a second; further ones wait as with `max.connections`. Also for one listener: `listener.name.plaintext.max.connection.creation.rate`.',
  },
  'connections.max.idle.ms': {
    type: 'long',
    default: 600_000,
    min: 1,
    unit: 'ms',
    importance: 'medium',
    doc: 'A connection without a request for so long is closed.',
  },
});
