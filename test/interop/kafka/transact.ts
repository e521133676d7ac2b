/** Transactions by plain requests, as a Java producer sends them to Kafka 4 (transaction.version 2). @see KIP-890 */
import { Cluster, clientConfigTable, readClientConfig } from '#client';
import { silentLogger, systemClock, systemRandom } from '#core';
import { tcpTransport } from '#net';
import { Apis, buildBatch, Errors } from '#protocol';

export type TransactionEnd = 'commit' | 'abort' | 'open';

/**
 * One transaction after the other on partition 0 of `topic`, each with one record, `in transaction <index>`, of the transactional id
 * `dumper`. An open one can only be the last.
 */
export async function transact(
  bootstrapServers: string,
  topic: string,
  ends: readonly TransactionEnd[],
): Promise<void> {
  const cluster = new Cluster({
    config: readClientConfig(clientConfigTable, { 'bootstrap.servers': bootstrapServers }, 'test', silentLogger),
    transport: tcpTransport(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  await cluster.start();
  const transactionalId = 'dumper';
  await cluster.findCoordinator('transaction', transactionalId, systemClock.now().monotonicMs + 30_000);
  const init = { transactionalId, transactionTimeoutMs: 60_000 };
  let producer: { readonly producerId: number; readonly producerEpoch: number } = await untilTaken(() =>
    cluster.request(1, Apis.InitProducerId, init, { version: 4 }),
  );
  for (const [index, end] of ends.entries()) {
    const draft = { key: null, value: Buffer.from(`in transaction ${index}`), timestamp: 1_700_000_000_000 + index };
    const baseSequence = producer.producerEpoch === 0 ? index : 0;
    const { producerId, producerEpoch } = producer;
    const records = buildBatch([draft], { producerId, producerEpoch, baseSequence, isTransactional: true });
    const body = { transactionalId, acks: -1, timeoutMs: 10_000 };
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
    // Until the markers of the transaction before are written, the next one is refused.
    await untilTaken(async () => {
      const produced = await cluster.request(1, Apis.Produce, { ...body, topicData }, { version: 12 });
      return produced.responses[0].partitionResponses[0];
    });
    if (end === 'open') break;
    const ending = { transactionalId, producerId, producerEpoch, committed: end === 'commit' };
    const ended = await cluster.request(1, Apis.EndTxn, ending, { version: 5 });
    if (ended.errorCode !== 0) throw new Error(`the transaction did not end: ${ended.errorCode}`);
    producer = ended;
  }
  await cluster.close();
}

/** Asks again while the coordinator is busy or not there yet. */
async function untilTaken<T extends { errorCode: number }>(ask: () => Promise<T>): Promise<T> {
  for (let i = 0; i < 400; i++) {
    const answer = await ask();
    if (answer.errorCode === 0) return answer;
    const isBusy = [Errors.CONCURRENT_TRANSACTIONS, Errors.COORDINATOR_LOAD_IN_PROGRESS, Errors.NOT_COORDINATOR];
    if (!isBusy.some(({ code }) => code === answer.errorCode)) throw new Error(`refused with ${answer.errorCode}`);
    await systemClock.sleep(25);
  }
  throw new Error('the coordinator stays busy');
}
