/**
 * `meta.properties`: whose data a log directory holds. Written once, when the directory is first used, in the form that Apache
 * Kafka 4.4.0 writes (version 1). ◇
 *
 *   #
 *   #Sat Nov 21 09:08:16 UTC 2026
 *   node.id=1
 *   directory.id=C1Ao3MDxTFmdIhtxZNjT2w
 *   version=1
 *   cluster.id=_P5qSVg7TMSk7xRD7SPo_A
 */
import { CorruptError, type Uuid } from '#core';

export interface MetaProperties {
  readonly clusterId: string;
  readonly nodeId: number;
  /** Absent in files of Kafka before 3.7. */
  readonly directoryId: Uuid | undefined;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export function formatMetaProperties(properties: MetaProperties, wallMs: number): string {
  const lines = ['#', `#${javaDate(new Date(wallMs))}`, `node.id=${properties.nodeId}`];
  if (properties.directoryId !== undefined) lines.push(`directory.id=${properties.directoryId}`);
  lines.push('version=1', `cluster.id=${properties.clusterId}`);
  return `${lines.join('\n')}\n`;
}

/** Throws `CorruptError` naming `file` when a key is missing or the version is unknown. */
export function parseMetaProperties(text: string, file: string): MetaProperties {
  const properties = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([^#!=:\s]+)\s*[=:\s]\s*(.*)$/.exec(line);
    if (match !== null) properties.set(match[1], match[2].trim().replace(/\\(.)/g, '$1'));
  }
  const version = properties.get('version');
  if (version !== '1')
    throw new CorruptError(`${file} has version ${version ?? '(none)'}; only version 1 is known`, { file });
  const clusterId = properties.get('cluster.id');
  const nodeId = Number(properties.get('node.id'));
  if (clusterId === undefined || clusterId === '' || !Number.isInteger(nodeId)) {
    throw new CorruptError(`${file} lacks cluster.id or node.id`, { file });
  }
  return { clusterId, nodeId, directoryId: properties.get('directory.id') };
}

/** As `java.util.Date` prints in the zone UTC. */
function javaDate(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  const day = `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${two(date.getUTCDate())}`;
  return `${day} ${time} UTC ${date.getUTCFullYear()}`;
}
