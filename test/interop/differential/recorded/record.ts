/**
 * `node --conditions=springtide-src test/interop/differential/recorded/record.ts [name …]`: records clients anew, all that this
 * machine has, or some, on Apache Kafka: what they send depends on what it answers. Kafka's own tools are the recording `tools`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Apis } from '#protocol';
import { freePort } from '../../../processes/child.ts';
import { startAgent } from '../../clients/agent.ts';
import { clients, missingFor } from '../../clients/clients.ts';
import { type ApacheKafka, kafkaTool, startApacheKafka } from '../../kafka/apache-kafka.ts';
import { bringJars, jarFolder } from '../../kafka/jars.ts';
import { startToolServer } from '../../kafka/tool-server.ts';
import { steps } from '../../tools/steps.ts';
import { ready } from '../chapters/steps.ts';
import { clusterSettings } from '../cluster-settings.ts';
import { QuestionedBroker } from '../questioned-broker.ts';
import { converse, topicsOf } from './conversation.ts';
import { bodyOf } from './handed-out.ts';
import { type RecordedRequest, recordingFolder, textOfRecording } from './recording.ts';
import { RecordingProxy } from './recording-proxy.ts';

const KAFKA = 'on Apache Kafka 4.4.0';
/** What is answered so is asked again by the client, and left out. */
const TRANSIENT = [5, 6, 14, 15, 16, 51];
/** Left out where the client asks the very same again. */
const POLLED = [
  Apis.Metadata,
  Apis.Heartbeat,
  Apis.ConsumerGroupHeartbeat,
  Apis.Fetch,
  Apis.ListOffsets,
  Apis.OffsetFetch,
  Apis.FindCoordinator,
  Apis.DescribeConfigs,
].map(({ key }) => key);
/** Steps of tools that say how one broker is, or that only measure. */
const LEFT_OUT = /perf|e2e|verifiable|copier|quorum|log-dirs|broker-api|brokers|loggers/;

const wanted = process.argv.slice(2);
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name);

bringJars();
process.env.SPRINGTIDE_KAFKA_LIBS = jarFolder('broker');
process.env.SPRINGTIDE_KAFKA_TOOLS = jarFolder('tools');
mkdirSync(recordingFolder, { recursive: true });
for (const client of clients.filter(({ name }) => isWanted(name))) {
  const reason = missingFor(client);
  if (reason !== undefined) {
    console.log(`${client.name}: not recorded, ${reason}`);
    continue;
  }
  await record(client.name, topicsOf(client.name), async (bootstrapServers) => {
    const agent = await startAgent(client.bring(), bootstrapServers);
    try {
      await converse(agent, client.name);
      return `${client.name} ${agent.version}`;
    } catch (error) {
      console.log(agent.complaints().slice(-2000));
      throw error;
    } finally {
      await agent.stop();
    }
  });
}
if (isWanted('tools')) await record('tools', new Map(), useTools);

async function useTools(bootstrapServers: string): Promise<string> {
  const server = await startToolServer();
  const folder = mkdtempSync(join(tmpdir(), 'springtide-recording-'));
  for (const { name, tool, args, stdin, file } of steps.filter((step) => !LEFT_OUT.test(step.name))) {
    const path = join(folder, 'file.json');
    if (file !== undefined) writeFileSync(path, JSON.stringify(file));
    const whole = args.includes('ADDRESS') ? args : `--bootstrap-server ADDRESS ${args}`;
    console.log(`  ${name}`);
    await kafkaTool(tool, whole.replace('FILE', path).replace('ADDRESS', bootstrapServers).trim().split(' '), stdin);
  }
  rmSync(folder, { recursive: true });
  await server.stop();
  return 'tools of Apache Kafka 4.3.1';
}

/** What Kafka asks itself goes by a listener of its own. */
async function record(
  name: string,
  topics: ReadonlyMap<string, number>,
  converse: (bootstrapServers: string) => Promise<string>,
): Promise<void> {
  const proxy = await RecordingProxy.listen();
  const address = `127.0.0.1:${proxy.port}`;
  const internal = `INTERNAL://127.0.0.1:${await freePort()}`;
  const kafka = await startApacheKafka(({ port, controllerPort }) => ({
    ...clusterSettings,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort},${internal}`,
    'advertised.listeners': `PLAINTEXT://${address},${internal}`,
    'inter.broker.listener.name': 'INTERNAL',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT',
  }));
  proxy.targetPort = Number(kafka.bootstrapServers.split(':')[1]);
  try {
    await prepare(kafka, topics);
    const version = await converse(address);
    const requests = withoutRepetitions(proxy.recorded);
    const text = textOfRecording({ client: `${version} ${KAFKA}`, topics, requests });
    writeFileSync(`${recordingFolder}${name}.txt`, text);
    console.log(`${name}: ${requests.length} of ${proxy.recorded.length} requests, ${text.length} bytes`);
  } finally {
    proxy.close();
    await kafka.stop();
    kafka.remove();
  }
}

async function prepare(kafka: ApacheKafka, topics: ReadonlyMap<string, number>): Promise<void> {
  const broker = new QuestionedBroker(kafka.bootstrapServers);
  for (const question of ready(topics)) await broker.ask(question);
  broker.hangUp();
}

function withoutRepetitions(requests: readonly RecordedRequest[]): RecordedRequest[] {
  const last = new Map<string, string>();
  return requests.filter((request) => {
    if (request.codes.some((code) => TRANSIENT.includes(code))) return false;
    const { api, version, frame, codes, connection } = request;
    const asked = JSON.stringify([version, codes, bodyOf(api, version, frame)]);
    const key = `${connection} ${api.key}`;
    const isRepeated = POLLED.includes(api.key) && last.get(key) === asked;
    last.set(key, asked);
    return !isRepeated;
  });
}
