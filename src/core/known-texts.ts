/**
 * Texts that come over the wire again and again, such as client ids and names of topics: short ones are remembered, so that most are
 * not decoded anew, and a table finds them by their identity. A text of ASCII is compared with its bytes without being made.
 */

/** Longer ones are decoded each time. */
const CHARS_MAX = 64;
/** So many are remembered, the last one in each slot. */
const SLOT_COUNT = 256;

const known: string[] = Array.from({ length: SLOT_COUNT }, () => '');

/** The text of `length` bytes, at least one, of UTF-8 from `start` on. */
export function textOf(bytes: Buffer, start: number, length: number): string {
  if (length > CHARS_MAX) return bytes.toString('utf8', start, start + length);
  const slot = (length * 31 + bytes[start] * 7 + bytes[start + length - 1]) % SLOT_COUNT;
  if (isSame(known[slot], bytes, start, length)) return known[slot];
  const text = bytes.toString('utf8', start, start + length);
  known[slot] = text;
  return text;
}

/** True only of ASCII: other characters are no bytes. */
function isSame(text: string, bytes: Buffer, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i];
    if (byte !== text.charCodeAt(i) || byte > 127) return false;
  }
  return true;
}
