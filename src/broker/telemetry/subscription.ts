/**
 * A subscription to the metrics of clients, as a client-metrics resource of the metadata log sets it: which clients are asked, for what,
 * how often. @see KIP-714
 */

/** What a client can be chosen by; undefined where it did not say. */
export interface TelemetryClient {
  readonly client_instance_id: string;
  readonly client_id: string | undefined;
  readonly client_software_name: string | undefined;
  readonly client_software_version: string | undefined;
  readonly client_source_address: string | undefined;
  readonly client_source_port: string | undefined;
}

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

interface Match {
  readonly name: keyof TelemetryClient;
  readonly matches: (text: string) => boolean;
}

/** Undefined when it does not say whom it is for in a way that can be understood: then it is for nobody. */
export function readSubscription(
  configs: ReadonlyMap<string, string>,
  compile: CompilePattern,
): Subscription | undefined {
  const matches = listOf(configs.get('match')).map((text) => readMatch(text, compile));
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

/** `client_id=orders.*` */
function readMatch(text: string, compile: CompilePattern): Match | undefined {
  const [name, pattern] = text.split('=').map((part) => part.trim());
  const compiled = pattern === undefined ? { problem: 'none' } : compile(pattern);
  return 'problem' in compiled
    ? undefined
    : { name: name as keyof TelemetryClient, matches: (value) => compiled.matches(value) };
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
