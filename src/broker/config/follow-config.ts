/** Which parts of a running broker take which keys anew when they change: all of them are named here. */
import type { DirectoryLimits, LogDirectories } from '#storage';
import type { HostedPartitions } from '../hosting/hosted-partitions.ts';
import type { DirectoryReports } from '../metadata/directory-reports.ts';
import type { MetadataLog } from '../metadata/metadata-log.ts';
import { connectionLimits } from '../server/connection-limits.ts';
import type { Server } from '../server/server.ts';
import { topicDefaultKeys } from './known-keys.ts';
import type { LiveConfig } from './live-config.ts';
import { cordonedPaths } from './log-dirs.ts';
import type { BrokerConfig, BrokerSettings } from './settings.ts';

const directoryKeys: readonly string[] = [
  'log.cleaner.backoff.ms',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.io.buffer.load.factor',
  'log.cleaner.io.buffer.size',
  'log.cleaner.io.max.bytes.per.second',
  'producer.id.expiration.ms',
];

const connectionKeys: readonly string[] = [
  'max.connections',
  'max.connections.per.ip',
  'max.connections.per.ip.overrides',
  'max.connection.creation.rate',
];

export interface Followers {
  readonly settings: BrokerSettings;
  readonly directories: LogDirectories;
  readonly server: Server;
  readonly partitions: HostedPartitions;
  readonly metadata: MetadataLog;
  readonly reports: DirectoryReports;
}

/** Gives the parts what the metadata log says now, and whatever it says later. */
export function followConfig(
  live: LiveConfig,
  { settings, directories, server, partitions, metadata, reports }: Followers,
): void {
  const names = settings.listeners.map(({ bind }) => bind.name);
  const ofListeners = names.flatMap((name) =>
    connectionKeys.map((key) => `listener.name.${name.toLowerCase()}.${key}`),
  );
  live.watch(directoryKeys, () => directories.reconfigure(directoryLimits(live.current)));
  live.watch([...connectionKeys, ...ofListeners], () =>
    server.setLimits(connectionLimits(live.current, live.values, names)),
  );
  live.watch(topicDefaultKeys, () => partitions.reconfigureAll(metadata.image));
  const cordon = () => {
    directories.cordon(cordonedPaths(live.current['cordoned.log.dirs'], settings.logDirs));
    reports.cordoned(directories.cordonedIds);
  };
  live.watch(['cordoned.log.dirs'], cordon);
  live.update(metadata.image);
  cordon();
}

export function directoryLimits(config: BrokerConfig): DirectoryLimits {
  return {
    cleaner: config['log.cleaner.enable']
      ? {
          backoffMs: config['log.cleaner.backoff.ms'],
          dedupeBufferBytes: config['log.cleaner.dedupe.buffer.size'],
          dedupeLoadFactor: config['log.cleaner.io.buffer.load.factor'],
          ioBufferBytes: config['log.cleaner.io.buffer.size'],
          ioBytesPerSecondMax: config['log.cleaner.io.max.bytes.per.second'],
        }
      : undefined,
    producerIdExpirationMs: config['producer.id.expiration.ms'],
  };
}
