/**
 * A `ByteReader` whose int64 fields are exact: what does not fit into a number comes as a BigInt. Only for values that are printed
 * right away, since everything else takes int64 for a number. ◇
 */
import { ByteReader } from '#core';

export class ExactReader extends ByteReader {
  override int64(): number {
    const position = this.position;
    super.int64();
    const value = this.buffer.readBigInt64BE(position);
    const isNumber = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
    return isNumber ? Number(value) : (value as unknown as number);
  }
}
