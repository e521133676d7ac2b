/**
 * Beans that are meant for a template or a container but go by a name that nobody asks for. Interfaces leave nothing at run time, so
 * such beans are found by name; what merely looks like one is told at the start instead of being ignored without a word.
 */
import type { ApplicationContext, BeanEntry, Class } from '#context';
import type { Logger } from '#core';
import {
  CommonContainerStoppingErrorHandler,
  CommonDelegatingErrorHandler,
  CommonLoggingErrorHandler,
  ConcurrentKafkaListenerContainerFactory,
  DefaultErrorHandler,
} from '#listener';
import { KafkaTemplate } from '#template';

/** The names by which beans of the user's own classes are found. */
export const BEAN_NAMES = {
  producerListener: 'kafkaProducerListener',
  errorHandler: 'commonErrorHandler',
  recordFilter: 'recordFilterStrategy',
} as const;

/** Error handlers that are found by their class. */
export const ERROR_HANDLERS: readonly Class[] = [
  DefaultErrorHandler,
  CommonDelegatingErrorHandler,
  CommonLoggingErrorHandler,
  CommonContainerStoppingErrorHandler,
];

type Role = {
  name: string;
  /** The interface, for the text. */
  is: string;
  /** Who takes the bean when it is the automatic one; with a factory of the user's own nothing can be said. */
  taker: Class;
  looksAlike(bean: Record<string, unknown>, entry: BeanEntry): boolean;
};

const ROLES: readonly Role[] = [
  {
    name: BEAN_NAMES.producerListener,
    is: 'ProducerListener',
    taker: KafkaTemplate,
    // `onError` alone is a word of many interfaces: three parameters are only this one's.
    looksAlike: (bean) => isMethod(bean.onSuccess, 2) || isMethod(bean.onError, 3),
  },
  {
    name: BEAN_NAMES.errorHandler,
    is: 'CommonErrorHandler',
    taker: ConcurrentKafkaListenerContainerFactory,
    looksAlike: (bean) =>
      !ERROR_HANDLERS.some((type) => bean instanceof type) &&
      (isMethod(bean.handleOne, 1) || isMethod(bean.handleRemaining, 1)),
  },
  {
    name: BEAN_NAMES.recordFilter,
    is: 'RecordFilterStrategy',
    taker: ConcurrentKafkaListenerContainerFactory,
    looksAlike: (bean, { name }) =>
      isMethod(bean.filter, 1) && /record-?filter/i.test(`${String(name)} ${bean.constructor?.name}`),
  },
];

/** @param askedFor names that listeners gave (`filter: 'onlyNew'`): those beans are in use. */
export function warnAboutOverlookedBeans(
  context: ApplicationContext,
  askedFor: ReadonlySet<string>,
  logger: Logger,
): void {
  const entries = [...context.beans()];
  for (const role of ROLES) {
    const isOwnTaker = entries.some(
      ({ definition, instance }) => definition.yieldsTo === undefined && instance instanceof role.taker,
    );
    // One that has the name may well pass on to the others.
    if (isOwnTaker || context.has(role.name)) continue;
    for (const entry of entries) if (isOverlooked(entry, role, askedFor)) logger.warn(textOf(entry, role));
  }
}

function isOverlooked(entry: BeanEntry, role: Role, askedFor: ReadonlySet<string>): boolean {
  const { name, instance, definition } = entry;
  if (definition.yieldsTo !== undefined || askedFor.has(String(name))) return false;
  return (
    typeof instance === 'object' && instance !== null && role.looksAlike(instance as Record<string, unknown>, entry)
  );
}

function textOf({ name, definition }: BeanEntry, { is, name: wanted }: Role): string {
  return (
    `the bean '${String(name)}' (${definition.origin}) looks like a ${is} but is not used: ` +
    `one of your own class is found by its name. Call it '${wanted}': @Service('${wanted}') or @Bean('${wanted}').`
  );
}

function isMethod(value: unknown, parameterCountMin: number): boolean {
  return typeof value === 'function' && value.length >= parameterCountMin;
}
