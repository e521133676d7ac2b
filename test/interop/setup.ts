/** What all interop tests share while they run: the process of Kafka's tools. */
import { startToolServer } from './kafka/tool-server.ts';

export default async function setup(): Promise<void> {
  const { stop } = await startToolServer();
  Object.assign(globalThis, { stopToolServer: stop });
}
