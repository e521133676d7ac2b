/** Tests run as ES modules from source; decorators are compiled the way tsc does it for users. */
const swc = {
  sourceMaps: 'inline',
  jsc: {
    target: 'es2024',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
  module: { type: 'es6' },
};

export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['springtide-src', 'node', 'import'] },
  extensionsToTreatAsEsm: ['.ts'],
  setupFiles: ['<rootDir>/test/poison.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/samples/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '<rootDir>/test/interop/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  maxWorkers: 2,
  // For what hangs. The default of 5 s is what a busy machine may take for a test that is well.
  testTimeout: 120_000,
  // A worker has no handle left and yet needs up to 0.6 s on a busy machine to give its 500 MB back; the default allows 0.5 s.
  workerGracefulExitTimeout: 10_000,
};
