/**
 * The classes of a broker as a JVM maps them into memory, stored once a machine: Apache Kafka starts, and formats its folder, with little
 * more than half of the CPU time, and this run has dozens of its processes. A JVM for which they are not right goes without. @see JEP 350
 */
import { existsSync, renameSync } from 'node:fs';
import { startApacheKafka } from './apache-kafka.ts';
import { classArchive, smallJvm } from './jars.ts';

export async function storeClasses(): Promise<void> {
  if (existsSync(classArchive('broker'))) return;
  console.log('interop: storing the classes of the broker (once)');
  const storing = `${classArchive('broker')}.${process.pid}`;
  const kafka = await startApacheKafka({}, [...smallJvm('768M'), `-XX:ArchiveClassesAtExit=${storing}`]);
  await kafka.stop();
  kafka.remove();
  if (existsSync(storing)) renameSync(storing, classArchive('broker'));
}
