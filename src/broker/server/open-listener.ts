/** Opens one listener: binds its address on every acceptor, knows what clients are told of it, and has words for an address that cannot be had. */
import { errorText, KafkaError, type Logger } from '#core';
import { type Acceptor, addressText, type Connection, type Listening } from '#net';
import { isWildcardHost, type ListenerPlan } from './listener-address.ts';

/** One open listener. */
export interface OpenListener {
  readonly name: string;
  /** What was bound. */
  readonly host: string;
  readonly port: number;
  /** What clients are told. */
  readonly advertisedHost: string;
  readonly advertisedPort: number;
}

export interface Entrance {
  accept(connection: Connection): void;
  readonly logger: Logger;
  /** Takes each door as it is opened: they are to be closed also when a later one cannot be opened. */
  readonly doors: Listening[];
}

/** Under the same address on all acceptors. @throws KafkaError NETWORK_EXCEPTION when it cannot be bound; the text says what to do */
export async function openListener(
  { bind, advertised }: ListenerPlan,
  acceptors: readonly Acceptor[],
  { accept, logger, doors }: Entrance,
): Promise<OpenListener> {
  const { host } = bind;
  let { port } = bind;
  for (const acceptor of acceptors) {
    const door = await listen(acceptor, host, port, accept);
    doors.push(door);
    ({ port } = door);
  }
  const isWildcard = isWildcardHost(host);
  if (isWildcard && advertised === undefined) {
    logger.warn(
      `Listener ${bind.name} is open on every interface, but clients are told localhost:${port}. Set advertised.listeners to the name by which other machines reach this one.`,
    );
  }
  return {
    name: bind.name,
    host,
    port,
    advertisedHost: advertised?.host ?? (isWildcard ? 'localhost' : host),
    advertisedPort: advertised === undefined || advertised.port === 0 ? port : advertised.port,
  };
}

async function listen(
  acceptor: Acceptor,
  host: string,
  port: number,
  accept: (connection: Connection) => void,
): Promise<Listening> {
  try {
    return await acceptor.listen(host, port, accept);
  } catch (error) {
    throw new KafkaError('NETWORK_EXCEPTION', bindFailure(host, port, error), { cause: error, retriable: false });
  }
}

function bindFailure(host: string, port: number, error: unknown): string {
  const where = addressText(host, port);
  const cause = Error.isError(error) ? (error.cause as { code?: string } | undefined) : undefined;
  switch (cause?.code) {
    case 'EADDRINUSE':
      return `The address ${where} is in use by another program (perhaps another broker). Stop it, or choose another port with listeners=PLAINTEXT://127.0.0.1:PORT (0 takes a free one).`;
    case 'EACCES':
      return `This user may not listen on ${where}. Choose a port above 1023 with the key listeners.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `This machine has no address ${where}. Name one of its own in the key listeners; advertised.listeners is for what clients are told.`;
    default:
      return `Cannot listen on ${where}: ${errorText(error)}`;
  }
}
