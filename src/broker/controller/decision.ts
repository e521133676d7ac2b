/** ◇ What the controller's rules are given, and what comes of an event. */
import type { MetadataRecord } from './metadata-record.ts';
import type { Refusal } from './refusal.ts';

/** What may be set for the resources of one type. */
export interface ConfigRules {
  /** Why there can be no resource of this name. */
  nameRefusal(resourceName: string): Refusal | undefined;
  /** A value in the form in which it is stored, or why it is refused (unknown keys included). */
  check(resourceName: string, key: string, value: string): { readonly value: string } | Refusal;
  /** Why these cannot stand together as all that is set for the resource; each of them was checked. */
  conflict(resourceName: string, overrides: ReadonlyMap<string, string>): Refusal | undefined;
  /** The value a list has when none is set, and whether its items are a choice of some; undefined when `key` is not a list. */
  list(key: string): { readonly inherited: string; readonly isChoice: boolean } | undefined;
}

/** What the machine must know about configuration. */
export interface ControllerRules {
  readonly numPartitions: number;
  readonly replicationFactor: number;
  /** By type of resource; others have no configs that are kept. */
  readonly configs: ReadonlyMap<number, ConfigRules>;
}

/** Records and the answer of one event. */
export interface Decision {
  readonly records: readonly MetadataRecord[];
  readonly body: unknown;
}
