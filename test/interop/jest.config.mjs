import unit from '../../jest.config.mjs';

export default {
  ...unit,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/interop/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  globalSetup: '<rootDir>/test/interop/setup.ts',
  globalTeardown: '<rootDir>/test/interop/teardown.ts',
  testTimeout: 120_000,
};
