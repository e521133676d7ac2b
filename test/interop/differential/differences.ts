/**
 * Two outcomes side by side. What must differ between any two brokers (ids, ports, times, texts, the order of lists) is named by a
 * word first; what is left is compared value by value.
 */
import { ZERO_UUID } from '#core';
import { batchesIn } from './batches-in.ts';
import type { Outcome, Question } from './question.ts';
import type { QuestionedBroker } from './questioned-broker.ts';

export interface Difference {
  readonly api: string;
  readonly version: number;
  readonly change: string;
  /** Where in the reply; '' when one of them did not reply. */
  readonly path: string;
  readonly kafka: string;
  readonly ours: string;
}

type Plain = null | boolean | number | string | undefined | readonly Plain[] | { readonly [name: string]: Plain };

/** How words end that stand for such numbers. */
const NUMBERED: Readonly<Record<string, string>> = { producerId: 'pid', sessionId: 'session' };
/** What Kafka says when it did not expect something. */
export const UNKNOWN_SERVER_ERROR = 'UNKNOWN_SERVER_ERROR';
const HOUR_MS = 3_600_000;
const TEXT = /message|documentation|logDir$/i;
const TIME = /timestamp|timeMs$/i;
const ID = /^(topicId|replicaDirectoryId|directoryId|clientInstanceId)$/;
const SIZE = /^(totalBytes|usableBytes|partitionSize|finalizedFeaturesEpoch)$/;
/** Is a uuid or ends in one: Kafka writes it in hexadecimal, we in base64. */
const MEMBER = /^(?:.*-)?(?:[\w-]{22}|[0-9a-f-]{36})$/s;
/** What identifies an element of a list. */
const KEYS = [
  'name',
  'topic',
  'topicId',
  'groupId',
  'key',
  'apiKey',
  'partitionIndex',
  'index',
  'baseOffset',
  'partition',
  'nodeId',
  'memberId',
  'resourceName',
  'transactionalId',
  'producerId',
  'brokerId',
];

export function differencesOf(
  question: Question,
  [kafka, kafkaOutcome]: readonly [QuestionedBroker, Outcome],
  [ours, ourOutcome]: readonly [QuestionedBroker, Outcome],
): Difference[] {
  const { api, version, change } = question;
  const found: Difference[] = [];
  const isRunning = (path: string, value: Plain) =>
    (question.running ?? []).some((name) => path.endsWith(`.${name}`)) && Number(value) >= 0;
  const add = (path: string, left: Plain, right: Plain) => {
    if (isRunning(path, left) && isRunning(path, right)) return;
    found.push({ api: api.name, version, change, path, kafka: textOf(left), ours: textOf(right) });
  };
  const freshName = new RegExp(`^(fresh|group|txn)-(?!${String(kafka.words.get('@fresh')).slice(6)}$)`);
  const { recordedCodes } = question;
  const [left, right] = [plainOutcome(kafka, kafkaOutcome, freshName), plainOutcome(ours, ourOutcome, freshName)];
  const [errors, ourErrors] = [errorCodesIn(left), errorCodesIn(right)];
  if (recordedCodes !== undefined && sorted(recordedCodes) !== sorted(errors))
    add('', sorted(errors), `${sorted(recordedCodes)} when it was recorded`);
  if (errors.has(-1) && !ourErrors.has(-1))
    add(
      '',
      UNKNOWN_SERVER_ERROR,
      [...ourErrors].sort((a, b) => a - b),
    );
  else compare(left, right, '', add);
  return found;
}

function sorted(codes: Iterable<number>): string {
  return [...codes].sort((a, b) => a - b).join();
}

/** Error codes anywhere in a reply. */
export function errorCodesIn(value: unknown, found = new Set<number>()): Set<number> {
  if (Array.isArray(value)) for (const element of value) errorCodesIn(element, found);
  if (!isFields(value)) return found;
  for (const [name, inner] of Object.entries(value)) {
    if (/errorCode$/i.test(name)) found.add(inner as number);
    else errorCodesIn(inner, found);
  }
  return found;
}

function plainOutcome(broker: QuestionedBroker, outcome: Outcome, others: RegExp): Plain {
  if (outcome.kind === 'reply') return plain(outcome.reply, '', wordsByValue(broker), broker.port, others);
  return outcome.kind === 'undecodable' ? `undecodable: ${outcome.text}` : outcome.kind;
}

function wordsByValue({ words }: QuestionedBroker): ReadonlyMap<unknown, string> {
  return new Map(
    [...words].map(([word, value]) => [typeof value === 'number' ? `${endOf(word)} ${value}` : value, word]),
  );
}

/** What kind of number a word stands for. */
function endOf(word: string): string {
  return word.slice(word.lastIndexOf('-') + 1);
}

function isGiven(name: string, value: number): boolean {
  return value > 0 || (value === 0 && name === 'producerId');
}

function plain(value: unknown, name: string, words: ReadonlyMap<unknown, string>, port: number, others: RegExp): Plain {
  if (Buffer.isBuffer(value))
    return name === 'records' ? plain(batchesIn(value), name, words, port, others) : value.toString('hex');
  if (Array.isArray(value)) {
    const elements = value.filter((element) => !isNamed(element, others));
    const plains = elements.map((element) => plain(element, name, words, port, others));
    return plains.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(([key, inner]) => [key, plain(inner, key, words, port, others)] as const);
    return Object.fromEntries(entries);
  }
  return named(value as null | boolean | number | string, name, words, port);
}

function isNamed(element: unknown, pattern: RegExp): boolean {
  const { name, topic, groupId, resourceName, transactionalId } = (element ?? {}) as Readonly<Record<string, unknown>>;
  return [name, topic, groupId, resourceName, transactionalId].some((given) => pattern.test(String(given)));
}

/** The word for a value that is a broker's own. */
function named(
  value: null | boolean | number | string,
  name: string,
  words: ReadonlyMap<unknown, string>,
  port: number,
): Plain {
  if (typeof value === 'number') {
    if (name === 'port' && value === port) return '@port';
    const kind = NUMBERED[name];
    if (kind !== undefined) return words.get(`${kind} ${value}`) ?? (isGiven(name, value) ? `@some ${name}` : value);
    if (TIME.test(name) && Math.abs(value - Date.now()) < HOUR_MS) return '@now';
    return SIZE.test(name) && value > 0 ? '@size' : value;
  }
  if (typeof value !== 'string' || value === '') return value;
  if (TEXT.test(name)) return '@text';
  const word = words.get(value);
  if (word !== undefined) return word;
  if (name === 'clusterId') return '@cluster';
  if (ID.test(name)) return value === ZERO_UUID ? '@no-id' : '@some-id';
  return name === 'memberId' || name === 'leader' ? value.replace(MEMBER, '@member') : value;
}

function compare(
  kafka: Plain,
  ours: Plain,
  path: string,
  add: (path: string, kafka: Plain, ours: Plain) => void,
): void {
  if (Array.isArray(kafka) && Array.isArray(ours)) {
    compareLists(kafka, ours, path, add);
    return;
  }
  if (isFields(kafka) && isFields(ours)) {
    for (const name of Object.keys(kafka))
      compare(kafka[name], ours[name], path === '' ? name : `${path}.${name}`, add);
    return;
  }
  if (textOf(kafka) !== textOf(ours)) add(path, kafka, ours);
}

function compareLists(
  kafka: readonly Plain[],
  ours: readonly Plain[],
  path: string,
  add: (path: string, kafka: Plain, ours: Plain) => void,
): void {
  const left = byKey(kafka);
  const right = byKey(ours);
  for (const [key, element] of left) {
    if (right.has(key) || !isFields(element)) compare(element, right.get(key), `${path}[${key}]`, add);
    else add(`${path}[${key}]`, 'there', undefined);
  }
  for (const [key, element] of right) {
    if (!left.has(key)) add(`${path}[${key}]`, undefined, isFields(element) ? 'there' : element);
  }
}

function byKey(elements: readonly Plain[]): Map<string, Plain> {
  const found = new Map<string, Plain>();
  elements.forEach((element, index) => {
    const key = keyOf(element) ?? String(index);
    found.set(found.has(key) ? `${key}#${index}` : key, element);
  });
  return found;
}

function keyOf(element: Plain): string | undefined {
  if (!isFields(element)) return undefined;
  const keys = KEYS.filter((key) => element[key] !== undefined && element[key] !== null);
  const [named = keys[0]] = keys.filter((key) => element[key] !== '');
  return named === undefined ? undefined : String(element[named]);
}

function isFields(value: unknown): value is { readonly [name: string]: Plain } {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !Buffer.isBuffer(value);
}

function textOf(value: Plain): string {
  if (value === undefined) return 'absent';
  const text = JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}… (${text.length})` : text;
}
