/** Brokers as clients see them: with the endpoint of the listener that the client came in by. */
import type { BrokerParts } from '../broker-parts.ts';
import type { BrokerImage } from '../controller/index.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface VisibleBroker extends Endpoint {
  readonly nodeId: number;
  readonly rack: string | null;
  readonly isFenced: boolean;
}

/** Brokers that have an endpoint for this listener. */
export function visibleBrokers(broker: BrokerParts, listenerName: string): VisibleBroker[] {
  const visible: VisibleBroker[] = [];
  for (const image of broker.metadata.image.brokers.values()) {
    const endpoint = endpointOf(broker, image, listenerName);
    if (endpoint === undefined) continue;
    const { brokerId: nodeId, rack, isFenced } = image;
    visible.push({ nodeId, host: endpoint.host, port: endpoint.port, rack, isFenced });
  }
  return visible;
}

/** The brokers that may lead partitions, as Produce and Fetch list them beside `currentLeader`. @see KIP-951 */
export function leaderEndpoints(broker: BrokerParts, listenerName: string) {
  return visibleBrokers(broker, listenerName).map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack }));
}

/** Our own endpoint for this listener. */
function ownEndpoint(broker: BrokerParts, listenerName: string): Endpoint {
  const listener = broker.listeners.find(({ name }) => name === listenerName) ?? broker.listeners[0];
  return { host: listener.advertisedHost, port: listener.advertisedPort };
}

function endpointOf(broker: BrokerParts, image: BrokerImage, listenerName: string): Endpoint | undefined {
  if (image.brokerId === broker.settings.nodeId) return ownEndpoint(broker, listenerName);
  return image.endPoints.find(({ name }) => name === listenerName);
}
