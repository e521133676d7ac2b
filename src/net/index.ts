/**
 * The network: connections with back-pressure over TCP or inside the process, and requests with correlation, order and deadlines
 * over one of them. It promises that code above cannot tell the two transports apart (`transport.ts` lists the rules), that a peer
 * which talks nonsense costs one connection and nothing else, and that every request ends: by its reply, its deadline or the end
 * of the connection. May import `core` and `protocol`.
 */
export { PipeNetwork } from './pipe.ts';
export { RESPONSE_BYTES_MAX, RequestChannel, type RequestChannelOptions } from './request-channel.ts';
export { type TcpOptions, tcpAcceptor, tcpTransport } from './tcp.ts';
export {
  type Acceptor,
  addressText,
  CLOSE_LINGER_MS,
  type Connection,
  type ConnectionHandlers,
  type Listening,
  networkError,
  type Transport,
  WRITE_HIGH_WATER_BYTES,
} from './transport.ts';
