/**
 * The batches of a log file one after the other, found as Kafka's reader of files finds them: by length alone, with no look at what
 * is in them, until less is left than a batch needs. A length that cannot be ends the walk with an error.
 */
import { CorruptError } from '#core';
import { SHOWN_HEADER_BYTES, ShownBatch } from './batch-text.ts';
import type { LogWindow } from './log-window.ts';

/** Offset, length, epoch and magic: what every version of the format begins with. */
const MAGIC_END = 17;
const FRAME_BYTES = 12;
/** The smallest record that ever was. */
const LENGTH_MIN = 14;

export class BatchWalk {
  position: number;
  readonly #window: LogWindow;
  readonly #end: number;
  readonly #file: string;

  constructor(window: LogWindow, position: number, end: number, file: string) {
    this.#window = window;
    this.position = position;
    this.#end = end;
    this.#file = file;
  }

  /** The batch at `position`, borrowed until the window moves; undefined at the end. `skip` goes on to the next one. */
  async current(): Promise<ShownBatch | undefined> {
    const { position } = this;
    if (position >= this.#end - MAGIC_END) return undefined;
    const bytes = await this.#window.bytes(position, SHOWN_HEADER_BYTES);
    const length = bytes.readInt32BE(8);
    if (length < LENGTH_MIN) {
      throw new CorruptError(
        `Found record size ${length} smaller than minimum record overhead (${LENGTH_MIN}) in file ${this.#file}.`,
        { file: this.#file, position },
      );
    }
    if (position > this.#end - FRAME_BYTES - length) return undefined;
    const batch = new ShownBatch(bytes);
    if (bytes.length < SHOWN_HEADER_BYTES && !batch.isLegacy)
      throw new CorruptError(`Failed to load record batch at position ${position} from ${this.#file}`);
    return batch;
  }

  skip(batch: ShownBatch): void {
    this.position += batch.sizeInBytes;
  }
}
