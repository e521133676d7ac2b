/**
 * Apache Kafka 4.4.0 as one combined node on loopback and free ports, and its command-line tools as child processes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, freePort } from '../../processes/child.ts';
import { classPath, javaFlags, smallJvm } from './jars.ts';
import { type RunningTool, startTool, type ToolResult } from './tool-server.ts';

export type { RunningTool, ToolResult };

const START_TIMEOUT_MS = 150_000;
const TOOL_TIMEOUT_MS = 300_000;
const PROPERTIES_FILE = 'server.properties';
const BROKER_JVM: readonly string[] = smallJvm('768M');

const TOOL_CLASSES = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  groups: 'org.apache.kafka.tools.GroupsCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  configs: 'kafka.admin.ConfigCommand',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  cluster: 'org.apache.kafka.tools.ClusterTool',
  features: 'org.apache.kafka.tools.FeatureCommand',
  'metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  transactions: 'org.apache.kafka.tools.TransactionsCommand',
  'leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'client-metrics': 'org.apache.kafka.tools.ClientMetricsCommand',
  'dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'consumer-perf-test': 'org.apache.kafka.tools.ConsumerPerformance',
  'e2e-latency': 'org.apache.kafka.tools.EndToEndLatency',
  'verifiable-producer': 'org.apache.kafka.tools.VerifiableProducer',
  'verifiable-consumer': 'org.apache.kafka.tools.VerifiableConsumer',
  'transactional-copier': 'org.apache.kafka.tools.TransactionalMessageCopier',
} as const;

export type ToolName = keyof typeof TOOL_CLASSES;

/** These end the process itself, or say things while it ends: each run has one of its own. */
const ALONE: readonly ToolName[] = ['transactional-copier', 'verifiable-producer'];

/** Runs one of Kafka's tools to its end. `stdin` is fed whole and closed. */
export function kafkaTool(name: ToolName, args: readonly string[], stdin = ''): Promise<ToolResult> {
  if (ALONE.includes(name))
    return runToEnd('java', [...javaFlags('tools', '256M'), TOOL_CLASSES[name], ...args], stdin);
  return startTool(TOOL_CLASSES[name], args, stdin).ended;
}

/** Starts a tool that goes on until it is stopped. */
export function startKafkaTool(name: ToolName, args: readonly string[]): RunningTool {
  return startTool(TOOL_CLASSES[name], args, '');
}

/** Runs any command to its end, killed after five minutes. */
export function runToEnd(command: string, args: readonly string[], stdin = ''): Promise<ToolResult> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {}); // a tool may end without reading its input
  child.stdin.end(stdin);
  const killer = setTimeout(() => child.kill('SIGKILL'), TOOL_TIMEOUT_MS);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(killer);
      resolve({ status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

export interface ApacheKafka {
  bootstrapServers: string;
  dataFolder: string;
  pid: number;
  /** When its process was started, on the scale of `performance.now()`. */
  startedMs: number;
  /** Ends the broker, with SIGTERM by a clean shutdown, and waits until it has ended; the data folder stays until `remove`. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same folder and ports. */
  restart(): Promise<ApacheKafka>;
  remove(): void;
}

type Overrides = Readonly<Record<string, string | number>>;
/** The ports that it listens on. */
export interface Ports {
  readonly port: number;
  readonly controllerPort: number;
}

/**
 * Formats a data folder of its own, starts the broker with `overrides` of server.properties and waits until its port answers.
 * `jvm`: flags of its process; by default such that it starts fast.
 */
export async function startApacheKafka(
  overrides: Overrides | ((ports: Ports) => Overrides) = {},
  jvm = BROKER_JVM,
): Promise<ApacheKafka> {
  const place = await newPlace();
  const quorum = { 'controller.quorum.bootstrap.servers': `127.0.0.1:${place.controllerPort}` };
  const own = typeof overrides === 'function' ? overrides(place) : overrides;
  const properties = writeProperties(place, { ...quorum, ...own });
  return orRemoved(place, async () => {
    await format(properties);
    return run(place, jvm);
  });
}

/** Starts the broker on a folder that another one has filled. It is not formatted: that there is one voter is said by its configuration. */
export async function startApacheKafkaOn(dataFolder: string, overrides: Overrides = {}): Promise<ApacheKafka> {
  const place = { ...(await newPlace()), dataFolder };
  const quorum = { 'controller.quorum.voters': `1@127.0.0.1:${place.controllerPort}` };
  writeProperties(place, { ...quorum, ...overrides });
  return orRemoved(place, () => run(place));
}

/** Where the start fails, nothing is left of it. */
async function orRemoved({ folder }: Place, start: () => Promise<ApacheKafka>): Promise<ApacheKafka> {
  try {
    return await start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Place extends Ports {
  /** Of `server.properties`; removed at the end. */
  readonly folder: string;
  readonly dataFolder: string;
}

async function newPlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'springtide-kafka-'));
  return { folder, dataFolder: join(folder, 'data'), port: await freePort(), controllerPort: await freePort() };
}

/** @returns its path */
function writeProperties(place: Place, overrides: Overrides): string {
  const path = join(place.folder, PROPERTIES_FILE);
  const settings = { ...serverProperties(place), ...overrides };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(path, lines.join(''));
  return path;
}

async function run(place: Place, jvm = BROKER_JVM): Promise<ApacheKafka> {
  const { folder, dataFolder, port } = place;
  const startedMs = performance.now();
  const child = spawn('java', [...jvm, ...classPath('broker'), 'kafka.Kafka', join(folder, PROPERTIES_FILE)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await waitForPort(port, child, collect(child));
  return {
    bootstrapServers: `127.0.0.1:${port}`,
    dataFolder,
    pid: child.pid ?? 0,
    startedMs,
    stop: (signal) => end(child, signal),
    restart: () => run(place, jvm),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function serverProperties({ port, controllerPort, dataFolder }: Place): Overrides {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': dataFolder,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
  };
}

async function format(properties: string): Promise<void> {
  const clusterId = 'c3ByaW5ndGlkZS1pbnRlcg';
  const args = ['kafka.tools.StorageTool', 'format', '--standalone', `--cluster-id=${clusterId}`, '-c', properties];
  const result = await runToEnd('java', [...javaFlags('broker', '256M'), ...args]);
  if (result.status !== 0)
    throw new Error(`Apache Kafka could not format its folder:\n${result.stdout}${result.stderr}`);
}

function collect(child: ChildProcess): () => string {
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

async function waitForPort(port: number, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if (await answers(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await end(child, 'SIGKILL');
  throw new Error(`Apache Kafka did not start:\n${log().slice(-4000)}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
