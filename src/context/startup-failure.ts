/**
 * A start that cannot go on, told so that a person knows what to do: what is wrong, and the way out. `Application.run` prints it as a
 * block and ends the process with 1; no stack trace, because nothing in a stack helps to mend a setting.
 */
export type FailureDetail = readonly [label: string, value: string];

export type StartupFailureOptions = {
  /** Lines below the description such as ["Property", "spring.kafka.…"]. */
  details?: readonly FailureDetail[];
  /** What to do, in one to three sentences. */
  action: string;
  cause?: unknown;
};

export class StartupFailure extends Error {
  override readonly name = 'StartupFailure';
  readonly description: string;
  readonly details: readonly FailureDetail[];
  readonly action: string;

  constructor(description: string, options: StartupFailureOptions) {
    const details = (options.details ?? []).map(([label, value]) => `${label}: ${value}`).join(', ');
    const text = details === '' ? description : `${description} (${details})`;
    super(`${text} ${options.action}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.description = description;
    this.details = options.details ?? [];
    this.action = options.action;
  }
}

/** The printed block, with a line break at both ends. */
export function formatStartupFailure(failure: StartupFailure, title = 'APPLICATION FAILED TO START'): string {
  const bar = '*'.repeat(title.length);
  const details = failure.details.map(([label, value]) => `    ${label}: ${value}`);
  return [
    '',
    bar,
    title,
    bar,
    '',
    'Description:',
    '',
    failure.description,
    ...(details.length === 0 ? [] : ['', ...details]),
    '',
    'Action:',
    '',
    failure.action,
    '',
    '',
  ].join('\n');
}
