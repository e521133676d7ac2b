/**
 * The answer to one `send`. It is awaitable (`await` gives the `SendResult`), but its promise is made only when somebody
 * asks for one: `whenComplete` needs none, and a send that nobody looks at costs this one object. A failure that nobody
 * looks at therefore never is an unhandled rejection; the template's `ProducerListener` hears of it in any case.
 */
import type { ProducerRecord, RecordMetadata } from '#serde';
import type { KafkaProducerException } from './producer-exception.ts';

export interface SendResult<K = unknown, V = unknown> {
  readonly producerRecord: ProducerRecord<K, V>;
  readonly recordMetadata: RecordMetadata;
}

/** Exactly one of the two is given. */
export type SendCallback<K, V> = (result: SendResult<K, V> | null, error: KafkaProducerException | null) => void;

type State<K, V> =
  | { is: 'pending' }
  | { is: 'sent'; result: SendResult<K, V> }
  | { is: 'failed'; error: KafkaProducerException };

const PENDING = { is: 'pending' } as const;
const IGNORE = (): void => {};

export class SendFuture<K = unknown, V = unknown> implements PromiseLike<SendResult<K, V>> {
  private state: State<K, V> = PENDING;
  private promise: Promise<SendResult<K, V>> | undefined;
  private callbacks: SendCallback<K, V>[] | undefined;
  private readonly callbackThrew: (error: unknown) => void;

  /** @param callbackThrew hears what `whenComplete` callbacks throw, whenever they run. */
  constructor(callbackThrew: (error: unknown) => void = IGNORE) {
    this.callbackThrew = callbackThrew;
  }

  isDone(): boolean {
    return this.state !== PENDING;
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaitable is the purpose of this class.
  then<A = SendResult<K, V>, B = never>(
    fulfilled?: ((result: SendResult<K, V>) => A | PromiseLike<A>) | null,
    rejected?: ((error: KafkaProducerException) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.toPromise().then(fulfilled, rejected);
  }

  catch<B = never>(rejected: (error: KafkaProducerException) => B | PromiseLike<B>): Promise<SendResult<K, V> | B> {
    return this.toPromise().catch(rejected);
  }

  finally(settled: () => void): Promise<SendResult<K, V>> {
    return this.toPromise().finally(settled);
  }

  /**
   * Calls back once with the result or the error: at once when it is known already. Runs on the producer's turn, so it
   * must be short; what it throws is logged by the template.
   */
  whenComplete(callback: SendCallback<K, V>): this {
    if (this.state !== PENDING) this.tell(callback);
    else if (this.callbacks === undefined) this.callbacks = [callback];
    else this.callbacks.push(callback);
    return this;
  }

  /** A real promise of the result, the same one every time. */
  toPromise(): Promise<SendResult<K, V>> {
    if (this.promise === undefined) {
      this.promise = new Promise((resolve, reject) => {
        this.whenComplete((result, error) => (result === null ? reject(error) : resolve(result)));
      });
      // Whoever asked holds a derived promise with the same fate; this one itself must not be reported.
      this.promise.catch(() => {});
    }
    return this.promise;
  }

  /** For the template: the record was acknowledged. */
  succeed(result: SendResult<K, V>): void {
    this.settle({ is: 'sent', result });
  }

  /** For the template: the record will not be acknowledged. */
  fail(error: KafkaProducerException): void {
    this.settle({ is: 'failed', error });
  }

  private settle(state: State<K, V>): void {
    if (this.state !== PENDING) return;
    this.state = state;
    const { callbacks } = this;
    this.callbacks = undefined;
    if (callbacks !== undefined) for (const callback of callbacks) this.tell(callback);
  }

  private tell(callback: SendCallback<K, V>): void {
    try {
      if (this.state.is === 'sent') callback(this.state.result, null);
      else if (this.state.is === 'failed') callback(null, this.state.error);
    } catch (error) {
      // A callback's error must not keep the next callback, or the next record, from hearing its result.
      this.callbackThrew(error);
    }
  }
}
