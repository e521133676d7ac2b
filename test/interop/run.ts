/**
 * `npm run test:interop [-- jest arguments]`: the tests that need Apache Kafka itself. On a machine without Java 17+ and Maven it
 * says so and succeeds, because nothing of the project needs them.
 */
import { spawnSync } from 'node:child_process';
import { storeClasses } from './kafka/class-archive.ts';
import { bringJars, isInstalled, jarFolder } from './kafka/jars.ts';

const missing = [
  ...(isInstalled('java', '-version') ? [] : ['Java 17']),
  ...(isInstalled('mvn', '--version') ? [] : ['Maven']),
];

if (missing.length > 0) {
  console.log(`interop: not run, this machine has no ${missing.join(' and no ')}`);
} else {
  bringJars();
  await storeClasses();
  process.exit(runJest());
}

function runJest(): number {
  const ignored = isInstalled('kcat', '-V')
    ? []
    : ['--testPathIgnorePatterns=kcat.test.ts', '--testPathIgnorePatterns=/node_modules/'];
  if (ignored.length > 0) console.log('interop: kcat.test.ts is not run, this machine has no kcat');
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  const args = ['--config', 'test/interop/jest.config.mjs', ...ignored, ...process.argv.slice(2)];
  const env = {
    ...process.env,
    SPRINGTIDE_KAFKA_LIBS: jarFolder('broker'),
    SPRINGTIDE_KAFKA_TOOLS: jarFolder('tools'),
  };
  return spawnSync(process.execPath, [...jest, ...args], { stdio: 'inherit', env }).status ?? 1;
}
