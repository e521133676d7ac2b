/**
 * What real clients asked, each recording a chapter. After a request that Kafka goes on working on when it has answered, both brokers are
 * given the time to get done, so that what comes next finds the same on both.
 */
import { Apis, type DescribeTransactionsResponse, Errors } from '#protocol';
import { errorCodesIn } from '../differences.ts';
import type { Value } from '../loose-encoder.ts';
import type { Question, Reply } from '../question.ts';
import { bodyOf, type Exchange, exchanged } from '../recorded/handed-out.ts';
import { type RecordedRequest, type Recording, readRecordings } from '../recorded/recording.ts';
import type { Chapter } from './chapter.ts';
import { createTopics, knownToGroups, ready, step } from './steps.ts';

/** Not yet, unless that was so when it was recorded: asked again. A fetch is not, because that would be the next one of its session. */
const NOT_YET = [
  Errors.REQUEST_TIMED_OUT,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.LEADER_NOT_AVAILABLE,
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
  Errors.COORDINATOR_NOT_AVAILABLE,
  Errors.NOT_COORDINATOR,
  Errors.CONCURRENT_TRANSACTIONS,
  Errors.UNSTABLE_OFFSET_COMMIT,
  Errors.UNKNOWN_TOPIC_ID,
].map(({ code }) => code);
/** What brokers learn of from the metadata log, a moment after the controller has answered. */
const THROUGH_THE_LOG = [
  Apis.CreateTopics,
  Apis.DeleteTopics,
  Apis.CreatePartitions,
  Apis.AlterConfigs,
  Apis.IncrementalAlterConfigs,
  Apis.AlterClientQuotas,
].map(({ key }) => key);
const WORD_ENDS: Readonly<Record<string, string>> = { producerId: 'pid', sessionId: 'session' };

export const recorded: readonly Chapter[] = [...readRecordings()].map(([name, recording]) => ({
  name: `recorded ${name}`,
  scenery: ready(recording.topics),
  lattices: [],
  conversations: questionsOf(name, recording),
}));

/** The word for what was handed out, by its name and value in the recording. */
type Words = Map<string, string>;

function questionsOf(client: string, { requests }: Recording): Question[] {
  const words: Words = new Map();
  return requests.flatMap((request, index) => {
    const question = questionOf(client, request, index + 1, new Map(words));
    for (const { name, value } of request.handedOut) {
      const word = name.startsWith('topicId:') ? `@id:${name.slice(8)}` : `@${client}-${words.size}-${endOf(name)}`;
      if (!words.has(keyOf(name, value))) words.set(keyOf(name, value), word);
    }
    const learn = (reply: Reply, known: Map<string, Value>) => {
      for (const { name, value } of request.handedOut)
        if (!name.startsWith('topicId:')) known.set(words.get(keyOf(name, value))!, reply[name] as Value);
    };
    return [{ ...question, learn }, ...settling(`${client}-${index + 1}`, request)];
  });
}

function endOf(name: string): string {
  return WORD_ENDS[name] ?? name;
}

/** Strings are what they are in any field, numbers only in fields of their name. */
function keyOf(name: string, value: string): string {
  return /^(producerId|sessionId|subscriptionId)$/.test(name) ? `${name} ${value}` : value;
}

function questionOf(client: string, request: RecordedRequest, number: number, words: Words): Question {
  const { api, version, frame, codes, connection } = request;
  return {
    api,
    version,
    change: `${client}, request ${number}`,
    body: {},
    frame: (lookUp) => {
      const exchange: Exchange = (name, value) => {
        const word = words.get(name === '' ? value : `${name} ${value}`);
        return word === undefined ? undefined : (lookUp(word) as string | number);
      };
      return exchanged(api, version, frame, exchange);
    },
    connection: `${client} ${connection}`,
    recordedCodes: codes,
    isSettled: (reply: Reply) =>
      api === Apis.Fetch || ![...errorCodesIn(reply)].some((code) => NOT_YET.includes(code) && !codes.includes(code)),
  };
}

function settling(name: string, { api, version, frame }: RecordedRequest): Question[] {
  const made = `fresh-${name}`;
  if (THROUGH_THE_LOG.includes(api.key)) return [...createTopics({ [made]: {} }), ...knownToGroups(made)];
  if (api !== Apis.EndTxn) return [];
  const { transactionalId } = bodyOf(api, version, frame) as { transactionalId: string };
  return [
    step(
      'it is decided',
      Apis.DescribeTransactions,
      0,
      { transactionalIds: [transactionalId] },
      {
        isOnlyAsked: true,
        isSettled: ({ transactionStates }: DescribeTransactionsResponse) =>
          !transactionStates[0].transactionState.startsWith('Prepare'),
      },
    ),
  ];
}
