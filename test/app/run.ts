/** Applications for tests: on an included broker in memory, reached in process, with their log lines kept. */
import { Application, type ApplicationContext, type ApplicationOptions, type Class } from '#app';
import { memoryDisk } from '#storage';
import { folderWith } from './scene.ts';

/** The log lines of all applications of a test file, JSON. */
export const lines: string[] = [];

/** An application on an included broker in memory, reached in process. */
export function run(
  components: readonly Class[] | undefined,
  options: ApplicationOptions = {},
  main: Class = class Main {},
): Promise<ApplicationContext> {
  return Application.run(main, {
    args: [],
    env: {},
    workingFolder: folderWith({}),
    components,
    exitOnFailure: false,
    handleSignals: false,
    logSink: { write: (text) => lines.push(text) },
    ...options,
    broker: { disk: memoryDisk(), ...options.broker },
    properties: { 'springtide.broker.listeners': 'PLAINTEXT://127.0.0.1:0', ...options.properties },
  });
}
