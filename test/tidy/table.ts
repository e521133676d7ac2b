/**
 * Who may import what: one row a room of `src/`. A room's door is `#room`; `packages` lists everything it may import from
 * outside, `files` narrows a package to the files that own it. `isPure` rooms and `pure` folders hold no I/O, clock or chance.
 */
export interface Room {
  rooms: readonly string[];
  packages?: readonly string[];
  isPure?: boolean;
  pure?: readonly string[];
}

const EVERYTHING_BELOW_APP = [
  'core',
  'protocol',
  'serde',
  'net',
  'auth',
  'assign',
  'storage',
  'broker',
  'client',
  'context',
  'message',
  'template',
  'listener',
  'streams',
  'connect',
  'mirror',
  'console',
];

export const ROOMS: Readonly<Record<string, Room>> = {
  core: { rooms: [], packages: ['node:zlib', 'node:crypto', 'node:module', 'snappy', 'lz4-napi', '@node-rs/crc32'] },
  protocol: { rooms: ['core'], isPure: true },
  serde: { rooms: ['core'], isPure: true },
  net: { rooms: ['core', 'protocol'], packages: ['node:net', 'node:tls'] },
  auth: { rooms: ['core', 'protocol'], isPure: true },
  assign: { rooms: ['core', 'protocol'], isPure: true },
  storage: { rooms: ['core', 'protocol'], packages: ['node:fs', 'node:fs/promises', 'node:path', 'node:os'] },
  broker: {
    rooms: ['core', 'protocol', 'net', 'auth', 'assign', 'storage'],
    packages: ['node:worker_threads', 'node:http', 're2js'],
    pure: ['partition', 'group', 'transaction', 'controller', 'quorum', 'quota', 'fetch-session', 'telemetry'],
  },
  client: { rooms: ['core', 'protocol', 'serde', 'net', 'auth', 'assign'] },
  context: {
    rooms: ['core'],
    packages: ['inversify', 'reflect-metadata', 'yaml', 'pino', 'node:fs', 'node:path', 'node:url', 'node:util'],
  },
  message: { rooms: ['core', 'serde'], packages: ['reflect-metadata'], isPure: true },
  template: { rooms: ['core', 'serde', 'client', 'message', 'context'], packages: ['reflect-metadata'] },
  listener: { rooms: ['core', 'serde', 'client', 'message', 'context', 'template'], packages: ['reflect-metadata'] },
  streams: { rooms: ['core', 'protocol', 'serde', 'client', 'message'] },
  connect: { rooms: ['core', 'protocol', 'serde', 'client', 'message'] },
  mirror: { rooms: ['core', 'protocol', 'serde', 'client', 'message', 'connect'] },
  console: { rooms: ['core', 'serde', 'client'] },
  app: {
    rooms: EVERYTHING_BELOW_APP,
    packages: ['class-validator', 'class-transformer', 'reflect-metadata', 'node:path', 'node:url'],
  },
  testing: { rooms: [...EVERYTHING_BELOW_APP, 'app'] },
  cli: {
    rooms: [...EVERYTHING_BELOW_APP, 'app', 'testing'],
    packages: ['commander', 'node:fs', 'node:module', 'node:path'],
  },
};

/** Packages that only the named files of a room may import. */
export const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  'node:zlib': ['src/core/compression.ts'],
  'node:crypto': ['src/core/digest.ts', 'src/core/random.ts'],
  'node:module': ['src/core/lazy-package.ts', 'src/cli/'],
  snappy: ['src/core/compression.ts'],
  'lz4-napi': ['src/core/compression.ts'],
  '@node-rs/crc32': ['src/core/checksum.ts'],
  'node:fs': ['src/storage/disk/', 'src/context/', 'src/cli/'],
  'node:http': ['src/broker/metrics/prometheus-endpoint.ts'],
  'node:worker_threads': ['src/broker/worker/'],
  re2js: ['src/broker/group/consumer/topic-pattern.ts'],
};

/** Real time and chance come from these files alone. */
export const REAL_TIME_FILES = ['src/core/clock.ts', 'src/core/random.ts'];
