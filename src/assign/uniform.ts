/**
 * The coordinator's uniform assignor: everybody gets as many partitions as everybody else, give or take one, and keeps what it has as far as
 * that allows. Members that read the same topics are filled up to a quota (`uniform-equal.ts`); where they read different ones, partitions are
 * moved from the most to the least loaded reader of a topic until that gains nothing (`uniform-general.ts`). Racks are not looked at, as in
 * Kafka 4.4.
 */
import { commonTopics, type ServerAssignor } from './server-assignor.ts';
import { assignEqually } from './uniform-equal.ts';
import { assignGenerally } from './uniform-general.ts';

export const uniformAssignor: ServerAssignor = {
  name: 'uniform',
  assign(group) {
    if (group.members.size === 0) return new Map();
    const topicIds = commonTopics(group);
    return topicIds === undefined ? assignGenerally(group) : assignEqually(group, topicIds);
  },
};
