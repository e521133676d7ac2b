/** The description of one listener, made from its metadata or by hand: everything a factory needs to build its container. */

import type { Logger } from '#core';
import type { KafkaOperations } from '#template';
import type { AckMode } from './ack-mode.ts';
import type { BindingParts } from './bound-method.ts';
import type { ListenerInvoker } from './invoker.ts';
import type { Subscription } from './message-listener-container.ts';
import type { MethodSurroundings } from './method-invokers.ts';
import type { RecordFilterStrategy } from './record-filter.ts';

/** What the factory decides and the method needs to know. */
export interface InvokerParts {
  isBatch: boolean;
  binding: BindingParts;
  messageConverter: MethodSurroundings['messageConverter'];
  replyTemplate: KafkaOperations | undefined;
  logger: Logger;
}

export interface KafkaListenerEndpoint {
  id: string;
  /** For error texts: `Orders.onOrder`. */
  where: string;
  subscription: Subscription;
  /** Undefined: the factory's. */
  groupId?: string;
  clientIdPrefix?: string;
  concurrency?: number;
  autoStartup?: boolean;
  isBatch?: boolean;
  ackMode?: AckMode;
  consumerProperties?: Readonly<Record<string, unknown>>;
  containerGroup?: string;
  filter?: RecordFilterStrategy;
  info?: string;
  /** @throws ListenerConfigurationError when the method's shape cannot work. */
  makeInvoker(parts: InvokerParts): ListenerInvoker;
}
