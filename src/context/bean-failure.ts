/** The code of a bean threw while it was made or initialised; `cause` is what it threw. */
import { errorText } from '#core';
import { type BeanDefinition, describeBean } from './bean-definition.ts';

export class BeanFailure extends Error {
  override readonly name = 'BeanFailure';
  /** Name and origin of the bean. */
  readonly bean: string;

  constructor(definition: BeanDefinition, what: string, cause: unknown) {
    super(`the bean ${describeBean(definition)} could not ${what}: ${errorText(cause)}`, { cause });
    this.bean = describeBean(definition);
  }
}
