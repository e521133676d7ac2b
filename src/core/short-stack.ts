/**
 * The stack of an error about something that was written wrongly, cut to where it was written. A decorator throws while its module is
 * loaded, where no code of the application can catch it and Node prints the whole stack: our own frames say nothing there.
 */

/** The folder of all rooms, as it stands in frames: as a URL or as a path. */
const OWN_FOLDER = new URL('..', import.meta.url).pathname;
/** The compilers' helpers that call decorators. */
const HELPERS =
  /\b(?:__decorate|__param|__metadata|_ts_decorate|_ts_param|DecorateProperty|DecorateConstructor)\b|reflect-metadata/;
const FRAME_COUNT_MAX = 1;

/** Cuts the error's stack to its text and the first frame outside of this package. @returns the same error */
export function cutStack<E extends Error>(error: E): E {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const theirs = frames.filter((line) => !line.includes(OWN_FOLDER) && !line.includes('node:') && !HELPERS.test(line));
  error.stack = [`${error.name}: ${error.message}`, ...theirs.slice(0, FRAME_COUNT_MAX)].join('\n');
  return error;
}
