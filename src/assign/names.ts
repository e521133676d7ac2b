/** Assignors by name: Kafka's short names, and the Java class names that people copy from their old configuration. */
import { KafkaError, suggest } from '#core';
import type { Assignor } from './assignor.ts';
import { rangeAssignor } from './range.ts';
import { roundRobinAssignor } from './round-robin.ts';
import type { ServerAssignor } from './server-assignor.ts';
import { serverRangeAssignor } from './server-range.ts';
import { cooperativeStickyAssignor, stickyAssignor } from './sticky.ts';
import { uniformAssignor } from './uniform.ts';

const JAVA_PACKAGE = 'org.apache.kafka.clients.consumer.';

const assignors = new Map<string, Assignor>([
  ['range', rangeAssignor],
  ['RangeAssignor', rangeAssignor],
  ['roundrobin', roundRobinAssignor],
  ['RoundRobinAssignor', roundRobinAssignor],
  ['sticky', stickyAssignor],
  ['StickyAssignor', stickyAssignor],
  ['cooperative-sticky', cooperativeStickyAssignor],
  ['CooperativeStickyAssignor', cooperativeStickyAssignor],
]);

/**
 * Finds an assignor by its protocol name (`cooperative-sticky`), Java class name (`…CooperativeStickyAssignor`, with or without package).
 * Throws `KafkaError('INVALID_CONFIG')` for others.
 */
export function assignorByName(name: string): Assignor {
  const assignor = assignors.get(name.startsWith(JAVA_PACKAGE) ? name.slice(JAVA_PACKAGE.length) : name);
  if (assignor !== undefined) return assignor;
  const nearest = suggest(name, [...assignors.keys()]);
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
  throw new KafkaError(
    'INVALID_CONFIG',
    `partition.assignment.strategy: there is no assignor '${name}'${hint} Known: range, roundrobin, sticky, cooperative-sticky`,
  );
}

/** The assignors of the coordinator, in Kafka's order: the first is the default. */
export const serverAssignors: readonly ServerAssignor[] = [uniformAssignor, serverRangeAssignor];
