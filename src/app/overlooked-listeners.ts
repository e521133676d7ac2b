/** Classes with `@KafkaListener` that no bean is made of: their listeners never start, and nobody else would tell. */
import { type ApplicationContext, registeredComponents } from '#context';
import type { Logger } from '#core';
import { KafkaListenerAnnotationProcessor } from '#listener';

/** A component that is left out (by its profile, by `components`) is meant to be; so is the base class of one. */
export function warnAboutOverlookedListeners(context: ApplicationContext, logger: Logger): void {
  const components = registeredComponents();
  for (const type of KafkaListenerAnnotationProcessor.classesWithListeners()) {
    if (components.some((one) => one === type || one.prototype instanceof type) || context.has(type)) continue;
    logger.warn(
      `the class ${type.name} has @KafkaListener, but no bean is made of it, so it listens to nothing: decorate it with @Service`,
    );
  }
}
