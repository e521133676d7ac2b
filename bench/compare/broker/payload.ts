/** Files of records for the clients, one a line. */
import { writeFileSync } from 'node:fs';

const LINE_COUNT = 1_000;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** Lines of letters, the same ones in every run. @param count of lines; more than a thousand repeat */
export function writePayload(file: string, recordBytes: number, count = LINE_COUNT): void {
  let state = 12345;
  const lines = Array.from({ length: Math.min(count, LINE_COUNT) }, () => {
    let line = '';
    while (line.length < recordBytes) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      line += LETTERS[(state >>> 16) % LETTERS.length];
    }
    return `${line}\n`;
  });
  const block = lines.join('');
  writeFileSync(file, block.repeat(Math.ceil(count / LINE_COUNT)));
}
