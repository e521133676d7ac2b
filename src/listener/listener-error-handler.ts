/** `@KafkaListener({ errorHandler })`: asked when the method throws, before the container's error handler. */
import type { Message } from '#message';
import type { Acknowledgment } from './acknowledgment.ts';
import type { ListenerConsumer } from './consumer-factory.ts';
import type { ListenerExecutionFailedException } from './exceptions.ts';

/**
 * What it returns is the method's result (a reply, or nothing) and the record counts as handled; what it throws goes to the
 * container's error handler. For a batch listener the payload is the list of payloads.
 */
export interface KafkaListenerErrorHandler {
  handleError(
    message: Message,
    error: ListenerExecutionFailedException,
    consumer: ListenerConsumer,
    acknowledgment?: Acknowledgment,
  ): unknown;
}
