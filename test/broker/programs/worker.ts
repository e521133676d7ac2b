/** A broker in a worker thread, in a process that has nothing else to do: for tests of how the two end. */
import { startBrokerInWorker } from '#broker';
import type { Logger, LogMethod } from '#core';

const print =
  (level: string): LogMethod =>
  (first: object | string, second?: string) =>
    process.stdout.write(`${level}: ${typeof first === 'string' ? first : second}\n`);
const logger: Logger = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: print('warn'),
  error: print('error'),
  fatal: print('fatal'),
  child: () => logger,
};

const config = { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': process.argv[2] };
const broker = await startBrokerInWorker({ config, logger });
process.stdout.write(`ready ${broker.bootstrapServers}\n`);
setInterval(() => {}, 1000);
process.on('SIGTERM', () => void broker.close().then(() => process.exit(0)));
