/** What both brokers are asked, and the shapes that the answers have. */
import type { Api } from '#protocol';
import type { Fields, LookUp, Value } from './loose-encoder.ts';

/** A decoded reply. */
export type Reply = Readonly<Record<string, unknown>>;

export type Outcome =
  | { readonly kind: 'reply'; readonly reply: Reply }
  /** The connection ended without a reply. */
  | { readonly kind: 'closed' }
  /** The next request was answered and this one was not. */
  | { readonly kind: 'no reply' }
  /** Nothing came for a while. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'undecodable'; readonly text: string };

export interface Question {
  readonly api: Api;
  readonly version: number;
  readonly body: Fields;
  /** Sent instead of the body: header and body as a client made them. */
  readonly frame?: (lookUp: LookUp) => Buffer;
  /** What is unusual about it: the first thing that the table of differences shows. */
  readonly change: string;
  /** Takes words for later requests out of the reply. */
  readonly learn?: (reply: never, words: Map<string, Value>) => void;
  /** Asked again until the reply says so: what Kafka does by and by. */
  readonly isSettled?: (reply: never) => boolean;
  /** Asked so that something is there; what the reply says is compared elsewhere. */
  readonly isOnlyAsked?: boolean;
  /** Whether a broker may never answer, so that it is not waited for long. */
  readonly mayBeSilent?: boolean;
  /** What Kafka answered when it was recorded: if it is something else now, the recording is asked in a wrong way. */
  readonly recordedCodes?: readonly number[];
  /** @see Lattice.running */
  readonly running?: readonly string[] | undefined;
  /** The connection that it goes by; a name of the test's own. Default: one that the whole chapter shares. */
  readonly connection?: string;
}
