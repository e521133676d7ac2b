/**
 * The keys `listeners` and `advertised.listeners`, read into addresses: `NAME://host:port`, where the name is a security protocol or
 * is mapped to one by `listener.security.protocol.map`. Only PLAINTEXT is served. Listeners of the controller are left out: the
 * controller lives inside the broker.
 */
import { KafkaError } from '#core';

export interface ListenerAddress {
  readonly name: string;
  /** '' = every interface. */
  readonly host: string;
  /** 0 = a free port. */
  readonly port: number;
}

export interface ListenerKeys {
  readonly listeners: readonly string[];
  readonly advertised: readonly string[] | null;
  /** `NAME:PROTOCOL` each. */
  readonly protocolMap: readonly string[];
  readonly controllerNames: readonly string[];
  readonly interBrokerName: string | null;
}

export interface ListenerPlan {
  readonly bind: ListenerAddress;
  /** What clients are told; undefined: the address that was bound. */
  readonly advertised: ListenerAddress | undefined;
}

const UNSERVED_PROTOCOLS = ['SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];
const WILDCARD_HOSTS = ['', '0.0.0.0', '::'];

/** @throws KafkaError INVALID_CONFIG naming the key, the value and what to write instead */
export function planListeners(keys: ListenerKeys): ListenerPlan[] {
  const text = keys.listeners.join(',');
  const protocols = readProtocolMap(keys.protocolMap);
  const controllerNames = keys.controllerNames.map((name) => name.toUpperCase());
  const bound = keys.listeners
    .map((listener) => parseListener('listeners', listener))
    .filter(({ name }) => !controllerNames.includes(name));
  if (bound.length === 0) throw invalid('listeners', text, 'names no listener for clients');
  for (const { name } of bound) checkProtocol(name, protocols);
  const names = new Set(bound.map(({ name }) => name));
  if (names.size !== bound.length) throw invalid('listeners', text, 'uses a listener name twice');
  const twice = bound.find((one, index) => one.port > 0 && bound.slice(0, index).some((other) => isSame(one, other)));
  if (twice !== undefined) throw invalid('listeners', text, `uses ${twice.host}:${twice.port} twice`);
  checkInterBroker(keys.interBrokerName, names);
  const advertised = (keys.advertised ?? []).map((address) => parseListener('advertised.listeners', address));
  for (const address of advertised) checkAdvertised(address, names, controllerNames);
  return bound.map((bind) => ({ bind, advertised: advertised.find(({ name }) => name === bind.name) }));
}

export function isWildcardHost(host: string): boolean {
  return WILDCARD_HOSTS.includes(host);
}

function parseListener(key: string, text: string): ListenerAddress {
  const match = /^([A-Za-z0-9_.-]+):\/\/(\[[0-9a-fA-F:.%]+\]|[^:/[\]]*):(-?\d+)$/.exec(text.trim());
  if (match === null) throw invalid(key, text, 'must read NAME://host:port, for example PLAINTEXT://127.0.0.1:9092');
  const port = Number(match[3]);
  if (port < 0 || port > 65535) throw invalid(key, text, `has port ${match[3]}; a port lies between 0 and 65535`);
  return { name: match[1].toUpperCase(), host: match[2].replace(/^\[|\]$/g, ''), port };
}

function isSame(one: ListenerAddress, other: ListenerAddress): boolean {
  return one.port === other.port && one.host === other.host;
}

function checkInterBroker(name: string | null, names: ReadonlySet<string>): void {
  if (name === null || names.has(name.toUpperCase())) return;
  throw invalid('inter.broker.listener.name', name, `must be one of the listeners: ${[...names].join(', ')}`);
}

function checkAdvertised(
  address: ListenerAddress,
  names: ReadonlySet<string>,
  controllerNames: readonly string[],
): void {
  const text = `${address.name}://${address.host}:${address.port}`;
  if (controllerNames.includes(address.name)) return;
  if (!names.has(address.name)) {
    throw invalid('advertised.listeners', text, `names ${address.name}, which is not among the listeners`);
  }
  if (isWildcardHost(address.host)) {
    throw invalid('advertised.listeners', text, 'must name a host that clients can reach, not every interface');
  }
}

function readProtocolMap(entries: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const entry of entries) {
    const [name, protocol = '', ...rest] = entry.split(':');
    if (name.trim() === '' || protocol.trim() === '' || rest.length > 0) {
      throw invalid('listener.security.protocol.map', entry, 'must read NAME:PROTOCOL, for example INTERNAL:PLAINTEXT');
    }
    map.set(name.trim().toUpperCase(), protocol.trim().toUpperCase());
  }
  return map;
}

function checkProtocol(name: string, protocols: ReadonlyMap<string, string>): void {
  const protocol = protocols.get(name) ?? name;
  if (protocol === 'PLAINTEXT') return;
  if (UNSERVED_PROTOCOLS.includes(protocol)) {
    throw invalid('listeners', name, `asks for ${protocol}, which this broker does not serve; use PLAINTEXT`);
  }
  throw invalid('listeners', name, 'is not a security protocol; map it: listener.security.protocol.map=NAME:PLAINTEXT');
}

function invalid(key: string, value: string, rule: string): KafkaError {
  return new KafkaError('INVALID_CONFIG', `${key}=${value} ${rule}.`);
}
