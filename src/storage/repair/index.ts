/** Offline work on one damaged log: what is wrong with it, and what can be done. Promises: nothing is deleted, and the lock is held. */
export type { Inspection, RepairTarget } from './inspection.ts';
export { LogRepair, type RepairChoice, type RepairOutcome } from './log-repair.ts';
