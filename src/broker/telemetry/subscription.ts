/**
 * A subscription to the metrics of clients, as a client-metrics resource of the metadata log sets it: which clients are asked, for what,
 * how often. @see KIP-714
 */

/** What a client can be chosen by. */
const ATTRIBUTES = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
] as const;

/** Undefined where the client did not say. */
export type TelemetryClient = { readonly client_instance_id: string } & {
  readonly [A in (typeof ATTRIBUTES)[number]]: string | undefined;
};

export interface Subscription {
  /** Prefixes of names; `*` is all of them. */
  readonly metrics: readonly string[];
  readonly intervalMs: number;
  matches(client: TelemetryClient): boolean;
}

export const ALL_METRICS = '*';
/** Where a subscription names no interval, and where nobody is subscribed. */
export const DEFAULT_INTERVAL_MS = 300_000;

/** Compiles a pattern that is to match a whole text. */
export type CompilePattern = (text: string) => { matches(text: string): boolean } | { readonly problem: string };

export interface ClientMatch {
  readonly name: keyof TelemetryClient;
  readonly matches: (text: string) => boolean;
}

/** Undefined when it does not say whom it is for in a way that can be understood: then it is for nobody. */
export function readSubscription(
  configs: ReadonlyMap<string, string>,
  compile: CompilePattern,
): Subscription | undefined {
  const matches = listOf(configs.get('match')).map((text) => readClientMatch(text, compile));
  if (matches.includes(undefined)) return undefined;
  return {
    metrics: listOf(configs.get('metrics')),
    intervalMs: Number(configs.get('interval.ms') ?? DEFAULT_INTERVAL_MS),
    matches: (client) =>
      matches.every((match) => {
        const text = client[match!.name];
        return text !== undefined && match!.matches(text);
      }),
  };
}

/** `client_id=orders.*`; undefined when it cannot be understood. */
export function readClientMatch(text: string, compile: CompilePattern): ClientMatch | undefined {
  const [name, pattern, ...rest] = text.split('=').map((part) => part.trim());
  if (!isAttribute(name) || pattern === undefined || rest.length > 0) return undefined;
  const compiled = compile(pattern);
  return 'problem' in compiled ? undefined : { name, matches: (value) => compiled.matches(value) };
}

function isAttribute(name: string): name is keyof TelemetryClient {
  return (ATTRIBUTES as readonly string[]).includes(name);
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
