/**
 * Listener methods as invokers: the call itself, the listener's own error handler around it, and the reply behind it. A method
 * without either is called with nothing in between.
 */
import { Message, type RecordMessageConverter } from '#message';
import type { ConsumerRecord } from '#serde';
import type { BoundBatchMethod, BoundRecordMethod } from './bound-method.ts';
import { ListenerExecutionFailedException } from './exceptions.ts';
import type { HandlerTable } from './handler-table.ts';
import { type BatchInvoker, isPromiseLike, type ListenerContext, type RecordInvoker } from './invoker.ts';
import type { KafkaListenerErrorHandler } from './listener-error-handler.ts';
import type { ReplySender } from './replies.ts';

export interface MethodSurroundings {
  errorHandler: KafkaListenerErrorHandler | undefined;
  reply: ReplySender | undefined;
  messageConverter: RecordMessageConverter;
}

/** A handler of a class-level listener with its own reply topic. */
export interface ReplyingHandler {
  bound: BoundRecordMethod;
  isDefault: boolean;
  reply: ReplySender | undefined;
}

export function methodInvoker(bound: BoundRecordMethod, surroundings: MethodSurroundings): RecordInvoker {
  const { errorHandler, reply } = surroundings;
  const { usesAcknowledgment, method } = bound;
  const call = (record: ConsumerRecord, context: ListenerContext): unknown => bound.call(record, context);
  const isBare = errorHandler === undefined && reply === undefined;
  const invoke = isBare ? call : surrounded(call, () => reply, surroundings, method.where);
  return { kind: 'record', usesAcknowledgment, description: method.where, invoke };
}

export function classInvoker(
  table: HandlerTable<ReplyingHandler>,
  where: string,
  usesAcknowledgment: boolean,
  surroundings: MethodSurroundings,
): RecordInvoker {
  const call = (record: ConsumerRecord, context: ListenerContext): unknown =>
    table.handlerFor(record).bound.call(record, context);
  const replyOf = (record: ConsumerRecord): ReplySender | undefined => table.handlerFor(record).reply;
  const invoke = surrounded(call, replyOf, surroundings, where);
  return { kind: 'record', usesAcknowledgment, description: where, invoke };
}

export function batchMethodInvoker(bound: BoundBatchMethod, surroundings: MethodSurroundings): BatchInvoker {
  const { errorHandler, reply } = surroundings;
  const { where } = bound.method;
  const { usesAcknowledgment, takesFailures, prepare } = bound;
  const handled = (error: unknown, prepared: readonly unknown[], context: ListenerContext) => {
    if (errorHandler === undefined) throw error;
    const failure = failed(where, context, error);
    return errorHandler.handleError(new Message([...prepared]), failure, context.consumer, context.acknowledgment);
  };
  const finish = (result: unknown, records: readonly ConsumerRecord[]): unknown =>
    reply === undefined || result === undefined || result === null ? undefined : reply.send(records[0], result);
  return {
    kind: 'batch',
    usesAcknowledgment,
    takesFailures,
    prepare,
    description: where,
    invoke: (records, prepared, context) =>
      chain(
        () => bound.call(records, prepared, context),
        (error) => handled(error, prepared, context),
        (result) => finish(result, records),
      ),
  };
}

function surrounded(
  call: (record: ConsumerRecord, context: ListenerContext) => unknown,
  replyOf: (record: ConsumerRecord) => ReplySender | undefined,
  { errorHandler, messageConverter }: MethodSurroundings,
  where: string,
): (record: ConsumerRecord, context: ListenerContext) => unknown {
  const handled = (error: unknown, record: ConsumerRecord, context: ListenerContext): unknown => {
    if (errorHandler === undefined) throw error;
    const message = new Message(record.value, messageConverter.headersOf(record, context.groupId));
    return errorHandler.handleError(message, failed(where, context, error), context.consumer, context.acknowledgment);
  };
  return (record, context) =>
    chain(
      () => call(record, context),
      (error) => handled(error, record, context),
      (result) => (result === undefined || result === null ? undefined : replyOf(record)?.send(record, result)),
    );
}

/** `call`, then `caught` when it fails, then `finish` with the result; without a promise as long as none is in it. */
function chain(
  call: () => unknown,
  caught: (error: unknown) => unknown,
  finish: (result: unknown) => unknown,
): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    result = caught(error);
    return isPromiseLike(result) ? result.then(finish) : finish(result);
  }
  return isPromiseLike(result) ? Promise.resolve(result).catch(caught).then(finish) : finish(result);
}

function failed(where: string, context: ListenerContext, error: unknown): ListenerExecutionFailedException {
  return new ListenerExecutionFailedException(`Listener method '${where}' threw exception`, context.groupId, error);
}
