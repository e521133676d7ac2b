/** What all rules of the machine work on, and the world around it that they may ask. */
import type { Alarms } from './alarms.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { ClusterView } from './cluster-view.ts';
import type { GroupSettings } from './config.ts';
import type { ConsumerGroup } from './consumer/consumer-group.ts';
import type { RegexRefresh } from './consumer/regex-refresh.ts';
import type { OffsetTable } from './offset-table.ts';
import type { PendingOffsets } from './pending-offsets.ts';

export type Group = ClassicGroup | ConsumerGroup;

export interface Coordinator {
  readonly settings: GroupSettings;
  readonly cluster: ClusterView;
  readonly groups: Map<string, Group>;
  readonly offsets: OffsetTable;
  readonly pendingOffsets: PendingOffsets;
  readonly alarms: Alarms;
  /** Ephemeral, by group: topic patterns that are being matched. */
  readonly refreshes: Map<string, RegexRefresh>;
}
