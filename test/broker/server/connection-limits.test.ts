import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '#core';
import { networkConfigTable } from '../../../src/broker/server/config.ts';
import { ConnectionGate, connectionLimits } from '../../../src/broker/server/connection-limits.ts';

function limitsOf(given: Record<string, unknown>) {
  return connectionLimits(parseConfig(networkConfigTable, given).config, given, ['PLAINTEXT', 'EXTERNAL']);
}

const gateOf = (given: Record<string, unknown>) => new ConnectionGate(limitsOf(given));

describe('max.connections.per.ip', () => {
  test('counts the connections of one address, unless the address has a number of its own', () => {
    const gate = gateOf({ 'max.connections.per.ip': 1, 'max.connections.per.ip.overrides': '10.0.0.7:2,[fd00::1]:0' });
    gate.came('10.0.0.1');
    gate.came('10.0.0.7');
    expect(gate.admitsAddress('10.0.0.1')).toEqual({ type: 'refused', key: 'max.connections.per.ip=1' });
    expect(gate.admitsAddress('10.0.0.2').type).toBe('open');
    expect(gate.admitsAddress('10.0.0.7').type).toBe('open');
    gate.came('10.0.0.7');
    expect(gate.admitsAddress('10.0.0.7')).toEqual({ type: 'refused', key: 'max.connections.per.ip.overrides=2' });
    expect(gate.admitsAddress('fd00::1').type).toBe('refused');
    gate.left('10.0.0.1');
    expect(gate.admitsAddress('10.0.0.1').type).toBe('open');
  });

  test('refuses an override that names no address, and says what to write', () => {
    expect(() => gateOf({ 'max.connections.per.ip.overrides': 'host-a:5' })).toThrow(
      'max.connections.per.ip.overrides: "host-a:5" is not allowed: must read address:count, for example 10.0.0.7:100; write the address of a host instead of its name.',
    );
  });
});

describe('max.connections', () => {
  test('holds further connections up until one is closed', () => {
    const gate = gateOf({ 'max.connections': 1 });
    gate.opened('PLAINTEXT', 0);
    expect(gate.admits('EXTERNAL', 0)).toEqual({ type: 'wait', waitMs: Infinity, key: 'max.connections=1' });
    gate.closed('PLAINTEXT');
    expect(gate.admits('EXTERNAL', 0).type).toBe('open');
  });

  test('of a listener holds up those of this listener alone', () => {
    const gate = gateOf({ 'listener.name.external.max.connections': '1' });
    gate.opened('EXTERNAL', 0);
    expect(gate.admits('EXTERNAL', 0)).toMatchObject({ key: 'listener.name.external.max.connections=1' });
    expect(gate.admits('PLAINTEXT', 0).type).toBe('open');
  });
});

describe('max.connection.creation.rate', () => {
  test('lets so many come in a second, and tells when the next one may', () => {
    const gate = gateOf({ 'max.connection.creation.rate': 4 });
    for (let count = 0; count < 4; count++) gate.opened('PLAINTEXT', 1000);
    expect(gate.admits('PLAINTEXT', 1000)).toEqual({
      type: 'wait',
      waitMs: 250,
      key: 'max.connection.creation.rate=4',
    });
    expect(gate.admits('PLAINTEXT', 1250).type).toBe('open');
    gate.opened('PLAINTEXT', 1250);
    expect(gate.admits('PLAINTEXT', 1251).type).toBe('wait');
  });

  test('does not save up more than a second', () => {
    const gate = gateOf({ 'max.connection.creation.rate': 2 });
    gate.opened('PLAINTEXT', 0);
    for (let count = 0; count < 2; count++) gate.opened('PLAINTEXT', 60_000);
    expect(gate.admits('PLAINTEXT', 60_000).type).toBe('wait');
  });
});

test('limits may change while connections are open: who is there stays', () => {
  const gate = gateOf({});
  gate.opened('PLAINTEXT', 0);
  gate.limits = limitsOf({ 'max.connections': 1, 'max.connection.creation.rate': 1 });
  expect(gate.admits('PLAINTEXT', 0).type).toBe('wait');
  gate.closed('PLAINTEXT');
  expect(gate.admits('PLAINTEXT', 0).type).toBe('open');
});
