/** What runs inside the broker thread: one broker, from its start to the parent's word to close. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, errorText, KafkaError, type Logger, type LogLevel, type LogMethod } from '#core';
import { Broker } from '../broker.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts';

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

assert(parentPort !== null, 'this file is the body of a worker thread');
const port = parentPort;
const { config, level } = workerData as WorkerStart;

const post = (message: FromWorker): void => port.postMessage(message);

const broker = await Broker.start({ config, logger: postingLogger({}) }).catch((error: unknown) => {
  const code = error instanceof KafkaError ? error.code : 'UNKNOWN_SERVER_ERROR';
  const retriable = error instanceof KafkaError && error.retriable;
  post({ type: 'failed', code, message: errorText(error), retriable });
  return undefined;
});

if (broker !== undefined) {
  const { host, port: brokerPort, bootstrapServers, clusterId, metricsPort } = broker;
  port.on('message', (message: ToWorker) => {
    if (message.type === 'metrics') {
      void broker.metrics().then((families) => post({ type: 'metrics', id: message.id, families }));
      return;
    }
    broker
      .close()
      .catch((error: unknown) => postingLogger({}).error({ err: error }, `While closing: ${errorText(error)}`))
      .finally(() => port.close());
  });
  post({ type: 'ready', host, port: brokerPort, bootstrapServers, clusterId, metricsPort });
}

/** Sends lines over to the parent; below the level that the parent prints they are dropped here. */
function postingLogger(bound: Record<string, unknown>): Logger {
  const method = (at: LogLevel): LogMethod => {
    if (!isEnabled(at)) return () => {};
    return (first: object | string, second?: string) => {
      const fields = typeof first === 'string' ? {} : first;
      const message = typeof first === 'string' ? first : (second ?? '');
      post({ type: 'log', level: at, fields: { ...bound, ...plain(fields) }, message });
    };
  };
  const methods = Object.fromEntries(LEVELS.map((at) => [at, method(at)])) as Record<LogLevel, LogMethod>;
  return { ...methods, child: (fields) => postingLogger({ ...bound, ...plain(fields) }), isLevelEnabled: isEnabled };
}

function isEnabled(at: LogLevel): boolean {
  return LEVELS.indexOf(at) >= LEVELS.indexOf(level);
}

/** Functions and classes cannot cross to another thread; errors lose their code. */
function plain(fields: object): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, value]): [string, unknown] => {
    if (Error.isError(value)) {
      const code = (value as { code?: unknown }).code;
      return [
        name,
        {
          name: value.name,
          message: value.message,
          stack: value.stack,
          code: code === undefined ? undefined : String(code),
        },
      ];
    }
    return [name, typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value];
  });
  return Object.fromEntries(entries);
}
