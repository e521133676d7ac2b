/**
 * `GET /metrics` and `GET /health` over HTTP. The text is made in pieces, a turn of the loop each, and no faster than the client reads,
 * so that many partitions hold nobody up.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type Clock, errorText, KafkaError, type Logger, lazyPackage } from '#core';
import { EXPOSITION_CONTENT_TYPE, exposition } from './exposition.ts';
import type { LiveFamily } from './families.ts';

/** An import would evaluate all that it exports, WebSocket and fetch among it, at every start: 50 ms and 19 MB. */
const http = lazyPackage<typeof import('node:http')>('node:http');

/** Answers under way at a time; further ones are refused. */
const ANSWERS_MAX = 4;
const CONNECTIONS_MAX = 32;
const REQUEST_MS_MAX = 10_000;

export interface PrometheusEndpointOptions {
  readonly host: string;
  /** 0 = a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
  families(): Promise<Iterable<LiveFamily>>;
}

export class PrometheusEndpoint {
  /** What was bound. */
  readonly port: number;
  readonly #server: Server;

  /** @throws KafkaError NETWORK_EXCEPTION when the address cannot be bound */
  static async open(options: PrometheusEndpointOptions): Promise<PrometheusEndpoint> {
    const { host, port, logger } = options;
    let answerCount = 0;
    const server = http().createServer(
      { requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX },
      (request, response) => {
        if (answerCount >= ANSWERS_MAX) {
          end(response, 503, 'Metrics are being read by others; ask again.\n');
          return;
        }
        answerCount++;
        response.once('close', () => answerCount--);
        answer(options, request, response).catch((error: unknown) => {
          logger.error({ err: error }, `Metrics could not be told: ${errorText(error)}`);
          response.destroy();
        });
      },
    );
    server.maxConnections = CONNECTIONS_MAX;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(port, host, resolve);
    try {
      await promise;
    } catch (error) {
      const text = `The metrics cannot be told at ${host}:${port}: ${errorText(error)}. Choose another springtide.broker.metrics.port (0 takes a free one).`;
      throw new KafkaError('NETWORK_EXCEPTION', text, { cause: error, retriable: false });
    }
    server.on('error', (error) => logger.warn({ err: error }, `The port of the metrics: ${errorText(error)}`));
    server.unref();
    const endpoint = new PrometheusEndpoint(server);
    logger.info({ port: endpoint.port }, `metrics are at http://${addressOf(host)}:${endpoint.port}/metrics`);
    return endpoint;
  }

  private constructor(server: Server) {
    this.#server = server;
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
  }

  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    return promise;
  }
}

function addressOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

async function answer(
  options: PrometheusEndpointOptions,
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    end(response, 405, 'Only GET and HEAD are answered here.\n');
    return;
  }
  const path = url.split('?')[0];
  if (path === '/health') end(response, 200, 'UP\n');
  else if (path !== '/metrics') end(response, 404, 'There are /metrics and /health.\n');
  else await tell(options, response, method === 'HEAD');
}

async function tell(
  { families, clock }: PrometheusEndpointOptions,
  response: ServerResponse,
  isHead: boolean,
): Promise<void> {
  response.setHeader('content-type', EXPOSITION_CONTENT_TYPE);
  if (!isHead) {
    for (const piece of exposition(await families())) {
      if (response.destroyed) return;
      if (!response.write(piece)) await drained(response);
      await new Promise<void>((resolve) => clock.nextTurn(resolve));
    }
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve);
    response.once('close', resolve);
  });
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}
