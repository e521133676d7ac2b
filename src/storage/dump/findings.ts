/** What `verifyFolder` tells: one line for each thing found. ◇ */

/**
 * damage: bytes are wrong or missing that nothing else replaces, or that a reader would be misled by.
 * warning: the broker puts it right by itself when it starts, or nobody can tell from the files alone.
 */
export type FindingLevel = 'damage' | 'warning';

export interface Finding {
  readonly level: FindingLevel;
  /** From the folder that is checked. */
  readonly file: string;
  /** Byte in `file`; undefined when it is about the file as a whole. */
  readonly position: number | undefined;
  readonly text: string;
}

/** Takes findings about one file; `position` is left out where it is about the whole. */
export type Report = (level: FindingLevel, text: string, position?: number) => void;

export function findingLine({ level, file, position, text }: Finding): string {
  const where = position === undefined ? '' : `position ${position}: `;
  return `${level}: ${file}: ${where}${text}`;
}
