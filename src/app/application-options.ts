/** What `Application.run` may be told. Everything has a default that suits an application started by `node main.js`. */
import type { Class, LogSink } from '#context';
import type { Clock } from '#core';
import type { BrokerOverrides } from './included-broker.ts';

export type MainClass = Class;

export type ApplicationOptions = {
  /** Command line without runtime and script; `--key=value` sets a key. Default: that of the process. */
  args?: readonly string[];
  /** Environment variables. Default: those of the process. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Folder of `application.yaml` that comes with the program; its `config/` counts too. Default: the folder of the started script. */
  resources?: string;
  /** Folder whose `application.yaml` lies over it, and to which relative paths refer. Default: the working folder of the process. */
  workingFolder?: string;
  /** Profiles that are active whatever the settings say. */
  profiles?: readonly string[];
  /** Settings below all others. */
  defaults?: Readonly<Record<string, unknown>>;
  /** Settings above all others: for tests. */
  properties?: Readonly<Record<string, unknown>>;
  /**
   * The component classes, and no others. Default: every class with `@Service`, `@Component` or `@Configuration` whose module has been
   * loaded. A class that is imported only as a type is not loaded: name it here, or use `scan`.
   */
  components?: readonly Class[];
  /** Folders whose compiled modules are loaded first, so that their components are found: paths or `file:` URLs. */
  scan?: string | URL | readonly (string | URL)[];
  /** Parts of the included broker that a test replaces (`disk`, `clock`, `config`, ...); it then runs on the loop, reached in process. */
  broker?: BrokerOverrides;
  /** Time of the context. Default: the real one. */
  clock?: Clock;
  /** Where log lines go instead of standard output. */
  logSink?: LogSink;
  /** Print a failed start and end the process with 1. Default true; false: `run` rejects with `StartupFailure`. */
  exitOnFailure?: boolean;
  /** Drain at SIGTERM and SIGINT, end at an uncaught exception. Default true. */
  handleSignals?: boolean;
};
