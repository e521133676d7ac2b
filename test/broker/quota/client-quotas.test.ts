/** Whose limit counts, who shares it, and what it costs. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ENTITIES_MAX, EntityTable } from '../../../src/broker/quota/entity-table.ts';
import { ClientQuotas, type RateQuota } from '../../../src/broker/quota/index.ts';

const WINDOWS = { windowCount: 11, windowMs: 1000, controllerWindowCount: 11, controllerWindowMs: 1000 };
const RATE = 'producer_byte_rate';

let quotas: ClientQuotas;
beforeEach(() => {
  quotas = new ClientQuotas(WINDOWS);
});

/** `limit('user=anna client-id=*', 5)`: `*` is the default. */
function limit(names: string, value: number | undefined, key = RATE): void {
  const entity = names.split(' ').map((word) => {
    const [entityType, name] = word.split('=');
    return { entityType, entityName: name === '*' ? null : name };
  });
  quotas.apply({ entity, key, value: value ?? 0, remove: value === undefined });
}

const client = (user: string, clientId: string) => ({ user, clientId });
const charge = (user: string, clientId: string, amount: number, nowMs = 0, quota: RateQuota = RATE) =>
  quotas.charge(quota, client(user, clientId), amount, nowMs);

/** The limit that counts, seen from the throttle time of 10,000 bytes at once: their rate is 1000 a second. */
function limitOf(user: string, clientId: string): number | undefined {
  const delayMs = charge(user, clientId, 10_000);
  charge(user, clientId, -10_000);
  return delayMs === 0 ? undefined : Math.round(1e7 / (delayMs + 10_000));
}

describe('the most specific limit counts', () => {
  const LIMITS: [string, number][] = [
    ['user=anna client-id=x', 101],
    ['user=anna client-id=*', 102],
    ['user=anna', 103],
    ['user=* client-id=x', 104],
    ['user=* client-id=*', 105],
    ['user=*', 106],
    ['client-id=x', 107],
    ['client-id=*', 108],
  ];

  test('in the order of Kafka, as one after the other is taken away', () => {
    for (const [names, value] of LIMITS) limit(names, value);
    const found: (number | undefined)[] = [];
    for (const [names] of LIMITS) {
      found.push(limitOf('anna', 'x'));
      limit(names, undefined);
    }
    expect(found).toEqual([101, 102, 103, 104, 105, 106, 107, 108]);
    expect(limitOf('anna', 'x')).toBeUndefined();
    expect(quotas.isActive).toBe(false);
  });

  test('for other users and clients', () => {
    for (const [names, value] of LIMITS) limit(names, value);
    expect([limitOf('anna', 'y'), limitOf('ben', 'x'), limitOf('ben', 'y')]).toEqual([102, 104, 105]);
  });

  test("and a client without an id has its user's", () => {
    for (const [names, value] of LIMITS) limit(names, value);
    expect([limitOf('anna', ''), limitOf('ben', '')]).toEqual([103, 106]);
    limit('user=*', undefined);
    expect(limitOf('ben', '')).toBeUndefined();
  });

  test('each quota by itself', () => {
    limit('client-id=x', 100, 'consumer_byte_rate');
    expect(limitOf('anna', 'x')).toBeUndefined();
    expect(charge('anna', 'x', 10_000, 0, 'consumer_byte_rate')).toBe(90_000);
  });
});

describe('a limit is shared', () => {
  test('by all client ids of its user', () => {
    limit('user=*', 100);
    expect(charge('anna', 'x', 1000)).toBe(0);
    expect(charge('anna', 'y', 500)).toBe(5000);
    expect(charge('ben', 'x', 1000)).toBe(0);
  });

  test('by all users of its client id', () => {
    limit('client-id=*', 100);
    expect(charge('anna', 'x', 1000)).toBe(0);
    expect(charge('ben', 'x', 500)).toBe(5000);
    expect(charge('ben', 'y', 1000)).toBe(0);
  });

  test('by nobody when it names both', () => {
    limit('user=* client-id=*', 100);
    expect([charge('anna', 'x', 1000), charge('ben', 'x', 1000), charge('anna', 'y', 1000)]).toEqual([0, 0, 0]);
    expect(charge('anna', 'x', 500)).toBe(5000);
  });
});

describe('what it costs', () => {
  test('a client that keeps silent as told sends what it may', () => {
    limit('client-id=x', 1000);
    let nowMs = 0;
    let sent = 0;
    while (nowMs < 600_000) {
      sent += 700;
      nowMs += charge('anna', 'x', 700, nowMs) + 5;
    }
    expect(sent / 600).toBeGreaterThan(950);
    expect(sent / 600).toBeLessThan(1050);
  });

  test('a share of the time costs one window at most', () => {
    limit('client-id=x', 10, 'request_percentage');
    expect(charge('anna', 'x', 110, 0, 'request_percentage')).toBe(1000);
    expect(charge('ben', 'y', 110, 0, 'request_percentage')).toBe(0);
  });

  test('what is too much to be sent is not counted', () => {
    limit('client-id=x', 100, 'consumer_byte_rate');
    const take = (amount: number, nowMs: number) =>
      quotas.chargeUnlessThrottled('consumer_byte_rate', client('anna', 'x'), amount, nowMs);
    expect(take(900, 0)).toBe(0);
    expect([take(300, 0), take(300, 0), take(100, 0)]).toEqual([2000, 2000, 0]);
  });

  test('no more is handed out at once than ten windows allow', () => {
    limit('client-id=x', 100, 'consumer_byte_rate');
    expect(quotas.amountMax('consumer_byte_rate', client('anna', 'x'))).toBe(1000);
    expect(quotas.amountMax('consumer_byte_rate', client('anna', 'y'))).toBe(Number.POSITIVE_INFINITY);
  });

  test('a limit that is lowered counts for what was sent before', () => {
    limit('client-id=x', 1000);
    expect(charge('anna', 'x', 5000)).toBe(0);
    limit('client-id=x', 100);
    expect(charge('anna', 'x', 0)).toBe(40_000);
  });
});

describe('changes to the cluster', () => {
  const change = (count: number, isStrict: boolean, nowMs: number) =>
    quotas.chargeMutations(client('anna', 'x'), count, isStrict, nowMs);

  beforeEach(() => limit('client-id=x', 2, 'controller_mutation_rate'));

  test('are refused to a strict client until there are tokens, and cost it nothing then', () => {
    expect(change(26, true, 0)).toBe(0);
    expect([change(1, true, 0), change(1, true, 0)]).toEqual([2000, 2000]);
    expect(change(1, true, 1999)).toBe(1);
    expect(change(1, true, 2000)).toBe(0);
    expect(change(1, true, 2000)).toBe(500);
  });

  test('are granted to a lenient client, which is to be silent for them', () => {
    expect(change(22, false, 0)).toBe(0);
    expect([change(3, false, 0), change(1, false, 0)]).toEqual([1500, 2000]);
  });
});

describe('new connections', () => {
  const connect = (ip: string, nowMs = 0) => quotas.chargeConnection(ip, nowMs);

  test('are refused beyond the rate of their address, one window long, and then do not count', () => {
    limit('ip=10.0.0.1', 1, 'connection_creation_rate');
    expect(Array.from({ length: 12 }, () => connect('10.0.0.1'))).toEqual([...Array(10).fill(0), 1000, 1000]);
    expect(connect('10.0.0.2')).toBe(0);
    expect(connect('10.0.0.1', 11_000)).toBe(0);
  });

  test('have the default where their address has no limit, each address by itself', () => {
    limit('ip=*', 1, 'connection_creation_rate');
    limit('ip=::FFFF:10.0.0.9', 100, 'connection_creation_rate');
    for (let count = 0; count < 10; count++) connect('10.0.0.1');
    expect([connect('10.0.0.1'), connect('10.0.0.2')]).toEqual([1000, 0]);
    for (let count = 0; count < 1000; count++) connect('10.0.0.9');
    expect(connect('10.0.0.9')).toBe(10);
  });

  test('alone do not make requests be counted', () => {
    limit('ip=*', 1, 'connection_creation_rate');
    expect(quotas.isActive).toBe(false);
  });
});

describe('the table of those who have a limit', () => {
  test('is bounded: all beyond share one row', () => {
    const table = new EntityTable(() => ({}));
    for (let id = 0; id < ENTITIES_MAX; id++) table.of('', `client-${id}`, 0);
    const overflow = table.of('', 'one-more', 0).state;
    expect(table.of('', 'another', 0).state).toBe(overflow);
    expect(table.of('', 'client-0', 0).state).not.toBe(overflow);
    expect(table.size).toBe(ENTITIES_MAX);
  });

  test('forgets who was silent for an hour', () => {
    const table = new EntityTable(() => ({}));
    table.of('', 'silent', 0);
    table.of('', 'loud', 0);
    table.of('', 'loud', 3_599_000);
    table.of('', 'new', 3_600_000);
    expect([...table.all()].map(({ clientId }) => clientId)).toEqual(['loud', 'new']);
    expect(table.size).toBe(2);
  });
});
