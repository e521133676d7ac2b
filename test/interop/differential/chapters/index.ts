/** Everything that both brokers are asked. */
import type { Chapter } from './chapter.ts';
import { configs } from './configs.ts';
import { data } from './data.ts';
import { groups } from './groups.ts';
import { metadata } from './metadata.ts';
import { others } from './others.ts';
import { sessions } from './sessions.ts';
import { topics } from './topics.ts';
import { transactions } from './transactions.ts';

export const chapters: readonly Chapter[] = [metadata, data, sessions, topics, configs, groups, transactions, others];
