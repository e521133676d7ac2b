/** What the project asks of a logger. pino's loggers fit; `context/` makes them. */
export interface LogMethod {
  (fields: object, message: string): void;
  (message: string): void;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface Logger {
  trace: LogMethod;
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  fatal: LogMethod;
  /** A logger that adds `fields` to every line. */
  child(fields: object): Logger;
  isLevelEnabled?(level: LogLevel): boolean;
}

const nothing: LogMethod = () => {};

/** Says nothing. The default of everything that takes a logger. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => silentLogger,
  isLevelEnabled: () => false,
};
