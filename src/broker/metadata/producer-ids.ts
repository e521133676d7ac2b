/** Gives out producer ids from blocks that the controller allocates, so that most requests cost no record. */
import { Errors, type KafkaErrorRow } from '#protocol';
import type { ProducerIdBlock } from '../controller/index.ts';
import type { MetadataLog } from './metadata-log.ts';

export class ProducerIds {
  readonly #metadata: MetadataLog;
  #next = 0;
  #end = 0;
  /** The block that is on its way; everyone who finds the present one used up waits for it. */
  #fetching: Promise<KafkaErrorRow> | undefined;

  constructor(metadata: MetadataLog) {
    this.#metadata = metadata;
  }

  /** A producer id that nobody had before. */
  async take(): Promise<{ error: KafkaErrorRow; producerId: number }> {
    while (this.#next === this.#end) {
      this.#fetching ??= this.#fetchBlock();
      const error = await this.#fetching;
      if (error !== Errors.NONE) return { error, producerId: -1 };
    }
    return { error: Errors.NONE, producerId: this.#next++ };
  }

  async #fetchBlock(): Promise<KafkaErrorRow> {
    const { brokerId, brokerEpoch } = this.#metadata;
    const { error, body } = await this.#metadata.ask<ProducerIdBlock>((token) => ({
      type: 'allocate-producer-ids',
      token,
      brokerId,
      brokerEpoch,
    }));
    this.#fetching = undefined;
    if (body === undefined) return error;
    this.#next = body.firstProducerId;
    this.#end = body.firstProducerId + body.count;
    return Errors.NONE;
  }
}
