/** Text for answers and logs. */

const CHARS_MAX = 1000;

/** `text`, cut where it is so long that only a quotation of what a peer sent can be the reason. On the wire a string ends at 32767 bytes. */
export function shortened(text: string): string {
  return text.length > CHARS_MAX ? `${text.slice(0, CHARS_MAX)}…` : text;
}
