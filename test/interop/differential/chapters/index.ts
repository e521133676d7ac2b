/** Everything that both brokers are asked. */
import { acls } from './acls.ts';
import type { Chapter } from './chapter.ts';
import { configs } from './configs.ts';
import { consumerGroups } from './consumer-groups.ts';
import { data } from './data.ts';
import { groups } from './groups.ts';
import { metadata } from './metadata.ts';
import { others } from './others.ts';
import { recorded } from './recorded.ts';
import { sessions } from './sessions.ts';
import { topics } from './topics.ts';
import { transactions } from './transactions.ts';

/** Recordings come before groups that die as time passes, and after the internal topics were read, which each broker fills in its own way. */
export const chapters: readonly Chapter[] = [
  metadata,
  data,
  sessions,
  topics,
  configs,
  ...recorded,
  groups,
  consumerGroups,
  transactions,
  acls,
  others,
];
