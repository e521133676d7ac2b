/**
 * Topic patterns of the consumer protocol: RE2's syntax, matched against whole names in time that grows with the length of the name and the size of
 * the pattern alone, so that no pattern of a client can hold up the broker; patterns that are too large are refused before they are compiled.
 * The only file that knows which engine does it.
 */
import { lazyPackage } from '#core';
import { limits } from '../config.ts';

const re2 = lazyPackage<typeof import('re2js')>('re2js');

export interface TopicPattern {
  /** How many steps a character of a name costs, at most. */
  readonly size: number;
  matches(name: string): boolean;
}

/** `{2}`, `{2,}`, `{2,5}`: each makes copies of what stands before it. */
const COUNTED = /\{(\d+)(?:,(\d*))?\}/g;

/** The pattern, or what is wrong with it. */
export function compileTopicPattern(text: string): TopicPattern | { readonly problem: string } {
  if (expandedLength(text) > limits.regexExpandedLengthMax) return { problem: 'it is too large' };
  try {
    const pattern = re2().RE2JS.compile(text);
    const size = pattern.programSize();
    return size > limits.regexSizeMax
      ? { problem: 'it is too large' }
      : { size, matches: (name) => pattern.matches(name) };
  } catch (error) {
    // The engine throws errors of its own for what it cannot read, and nothing else.
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** An upper bound of what compiling costs, without reading the pattern. */
function expandedLength(text: string): number {
  let copyCount = 1;
  for (const [, min, max] of text.matchAll(COUNTED)) copyCount += Number(max || min);
  return text.length * copyCount;
}
