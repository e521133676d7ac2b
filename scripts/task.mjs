// The one entry behind every npm script. It runs on whatever Node the machine has (20 or newer), installs what is missing,
// and hands over to the Node that the project pins. Nothing here may need a package.
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const pinnedNode = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const [task, ...args] = process.argv.slice(2);
const PARENT_CHECK_MS = 200;

const tasks = {
  build,
  start: () => build().then(() => sample('02-orders', 'main', ...args)),
  demo: () => build().then(() => sample('02-orders', 'demo', ...args)),
  server: () => build().then(() => node('bin/springtide.mjs', 'server', ...args)),
  test: () =>
    check()
      .then(build)
      .then(() => jest(...args)),
  fuzz: () => {
    process.env.FUZZ_SECONDS ??= '600';
    return jest('test/fuzz', ...args);
  },
  'test:crash': () => node('--conditions=springtide-src', 'test/crash/run.ts', ...args),
  'test:power-cut': () => run('sh', ['test/crash/power-cut-mount.sh', ...args]),
  'test:nightly': nightly,
  'test:interop': () => build().then(() => node('--conditions=springtide-src', 'test/interop/run.ts', ...args)),
  bench: () => build().then(() => node('--conditions=springtide-src', 'bench/run.ts', ...args)),
  tidy: () => node('scripts/tidy.mjs', ...args),
  format: () => bin('biome', 'check', '--write', '.'),
};

/** The program, its types, and what is written on top of the package as users' programs are. */
async function build() {
  await node('scripts/bundle.mjs');
  await bin('tsc', '-p', 'src');
  await bin('tsc', '-p', '.');
}

/** Format, lint and types, before any test runs; those of `src` are checked by the build. */
async function check() {
  await bin('biome', 'ci', ...(process.stdout.isTTY ? [] : ['--colors=off']), '.');
  await bin('tsc', '-p', 'test');
}

/** All that takes longer than a change may wait for; the variables let bounded tests run to their full length. */
async function nightly() {
  process.env.SPRINGTIDE_NIGHTLY = '1';
  process.env.SPRINGTIDE_DIFFERENTIAL = 'full';
  await tasks.test();
  await tasks['test:interop']();
  await tasks['test:crash']();
  await tasks['test:power-cut']();
  await tasks.fuzz();
}

function jest(...jestArgs) {
  return node(
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    ...jestArgs,
  );
}

/** A sample runs in its own folder, as a project of its own would: `application.yaml` and `./data` are there. */
function sample(name, program, ...sampleArgs) {
  const file = join(root, 'dist', 'samples', name, `${program}.js`);
  return run(pinnedNode, [file, ...sampleArgs], { cwd: join(root, 'samples', name) });
}

function node(...nodeArgs) {
  return run(pinnedNode, nodeArgs);
}

function bin(name, ...binArgs) {
  const windows = process.platform === 'win32';
  return run(join(modules, '.bin', windows ? `${name}.cmd` : name), binArgs, { shell: windows });
}

/**
 * Runs a command to its end; its failure is ours. Ctrl-C reaches the child through the terminal's process group. A SIGTERM is
 * passed on, so that the child drains; npm's shell does not pass it on to us, so the end of the shell counts as one.
 */
async function run(command, commandArgs, options = {}) {
  const path = [join(modules, 'node', 'bin'), process.env.PATH].join(process.platform === 'win32' ? ';' : ':');
  const child = spawn(command, commandArgs, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
    ...options,
  });
  const passOn = () => child.kill('SIGTERM');
  process.on('SIGTERM', passOn);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    passOn();
  }, PARENT_CHECK_MS);
  const status = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
  clearInterval(watch);
  process.off('SIGTERM', passOn);
  if (status !== 0) process.exit(status);
}

/** `npm ci` when nothing is installed or the lockfile is newer than what is. */
async function install() {
  const installed = join(modules, '.package-lock.json');
  const isCurrent =
    existsSync(pinnedNode) &&
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
  if (isCurrent) return;
  console.log('springtide: installing the packages of package-lock.json (once) …');
  await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    shell: process.platform === 'win32',
  });
}

if (!(task in tasks)) {
  console.error(`unknown task ${task}; known: ${Object.keys(tasks).join(', ')}`);
  process.exit(2);
}
process.on('SIGINT', () => {});
await install();
await tasks[task]();
