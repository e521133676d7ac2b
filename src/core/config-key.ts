/** One key of a configuration as its table declares it, and the type of secrets among the values. */

/** `duration-ms` and `bytes` are numbers that people may write as `30s` and `5MB`. */
export type ConfigType =
  | 'boolean'
  | 'int'
  | 'long'
  | 'short'
  | 'double'
  | 'string'
  | 'list'
  | 'class'
  | 'password'
  | 'duration-ms'
  | 'bytes';

export interface ConfigKey {
  readonly type: ConfigType;
  /** Value when nothing is given. A key without it is required. */
  readonly default?: unknown;
  /** One paragraph for people. */
  readonly doc: string;
  readonly importance?: 'high' | 'medium' | 'low';
  readonly min?: number;
  readonly max?: number;
  /** The values allowed (for lists: of each element); compared without regard to case. */
  readonly oneOf?: readonly string[];
  /** What a number counts, when its name does not say so. */
  readonly unit?: string;
  /** Whether null is a value. Implied by `default: null`. */
  readonly nullable?: boolean;
  /** Release of ours that brought it. */
  readonly since?: string;
  /** How a change takes effect while running. */
  readonly dynamic?: 'read-only' | 'per-broker' | 'cluster-wide' | boolean;
  /** The type that DescribeConfigs names, when it is not the obvious one. */
  readonly kafkaType?: 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password';
}

export type ConfigTable = Readonly<Record<string, ConfigKey>>;

/** A secret. Prints as `[hidden]`, so that it cannot end in a log by accident. */
export class Password {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  get value(): string {
    return this.#value;
  }

  toString(): string {
    return '[hidden]';
  }

  toJSON(): string {
    return '[hidden]';
  }
}
