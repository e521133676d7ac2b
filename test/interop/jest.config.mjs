import unit from '../../jest.config.mjs';

const isNight = process.env.SPRINGTIDE_NIGHTLY === '1';

export default {
  ...unit,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/interop/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', ...(isNight ? [] : ['/interop/connect/'])],
  testSequencer: '<rootDir>/test/interop/longest-first.mjs',
  globalSetup: '<rootDir>/test/interop/setup.ts',
  globalTeardown: '<rootDir>/test/interop/teardown.ts',
  // For what hangs, on a machine that starts brokers while it has much else to do.
  testTimeout: 300_000,
};
