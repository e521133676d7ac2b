/**
 * A consumer's own account of joining, positions and leaving, one level down: below a container it is detail, because the
 * container says in one line what its consumers read. Warnings and errors stay what they are.
 */
import type { Logger } from '#core';

export function demoted(logger: Logger): Logger {
  return {
    trace: logger.trace.bind(logger),
    debug: logger.debug.bind(logger),
    info: logger.debug.bind(logger),
    warn: logger.warn.bind(logger),
    error: logger.error.bind(logger),
    fatal: logger.fatal.bind(logger),
    child: (fields) => demoted(logger.child(fields)),
    isLevelEnabled: (level) => logger.isLevelEnabled?.(level === 'info' ? 'debug' : level) ?? true,
  };
}
