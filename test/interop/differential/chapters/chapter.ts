/** The shape of a chapter: what is there first, and what is asked then. */

import type { Question } from '../question.ts';
import type { Lattice } from '../variants.ts';

export interface Chapter {
  readonly name: string;
  /** Asked in this order, and compared like everything else. */
  readonly scenery: readonly Question[];
  readonly lattices: readonly Lattice[];
  /** Asked before each request of a lattice, for APIs that use up what they work on. */
  readonly before?: (api: string) => readonly Question[];
  /** Asked after the lattices. */
  readonly conversations?: readonly Question[];
}
