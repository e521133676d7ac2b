/** Keys of server.properties that all brokers of this test have, those that are recorded on, too. */
export const clusterSettings: Readonly<Record<string, string | number>> = {
  'num.partitions': 1,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.num.partitions': 4,
  'auto.create.topics.enable': 'true',
  'group.initial.rebalance.delay.ms': 0,
  // Members are assigned at once, not once a while.
  'group.consumer.assignment.interval.ms': 0,
  'group.consumer.min.assignment.interval.ms': 0,
  'group.consumer.session.timeout.ms': 1_800_000,
  'group.consumer.max.session.timeout.ms': 1_800_000,
  // Records of recordings are as old as those, and clocks may be wrong.
  'log.retention.ms': -1,
  // Nor is what tools have set a retention for looked at, half a minute after the start or ever.
  'log.initial.task.delay.ms': 86_400_000,
  'log.retention.check.interval.ms': 86_400_000,
  'log.message.timestamp.after.max.ms': '9223372036854775807',
};
