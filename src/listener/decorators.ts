/**
 * The decorators. They check what was written, with class and member in the error text, and leave metadata; they start
 * nothing and know no container.
 */
import { cutStack, suggest } from '#core';
import { ackModes } from './ack-mode.ts';
import {
  type HeaderAttributes,
  type KafkaListenerAttributes,
  listenerAttributeNames,
  type PayloadAttributes,
  type ReplyTopic,
  type ReplyTopicFunction,
} from './attributes.ts';
import { ListenerConfigurationError } from './exceptions.ts';
import { addHandler, addListener, type Member, writeMark, writeReplyTopic } from './metadata.ts';

type MethodOrClassDecorator = (target: object, member?: Member, descriptor?: PropertyDescriptor) => void;
type MethodDecorator = (target: object, member: Member, descriptor?: PropertyDescriptor) => void;
type ParameterDecorator = (target: object, member: Member | undefined, index: number) => void;

/** Makes a method a listener, or a class the listener of its `@KafkaHandler` methods. May be written several times. */
export function KafkaListener(attributes: KafkaListenerAttributes): MethodOrClassDecorator {
  return (target, member, descriptor) => {
    const where = described(target, member);
    if (member !== undefined) requireMethod('KafkaListener', target, where, descriptor);
    checkAttributes(attributes, where);
    addListener(target, member, attributes);
  };
}

/** A method of a class-level listener; the payload's class chooses among them. */
export function KafkaHandler(attributes: { isDefault?: boolean } = {}): MethodDecorator {
  return (target, member, descriptor) => {
    requireMethod('KafkaHandler', target, described(target, member), descriptor);
    addHandler(target, member, attributes.isDefault === true);
  };
}

/** Sends what the method returns to `topic`; without an argument, to the topic that the request's `kafka_replyTopic` names. */
export function SendTo(topic?: string | ReplyTopicFunction): MethodOrClassDecorator {
  return (target, member, descriptor) => {
    const where = described(target, member);
    if (member !== undefined) requireMethod('SendTo', target, where, descriptor);
    if (topic === '') throw refused('SendTo', where, 'the topic is empty; leave it out to answer to kafka_replyTopic');
    writeReplyTopic(target, member, replyTopic(topic));
  };
}

/** The record's value, converted to the parameter's class. */
export function Payload(attributes: PayloadAttributes | PayloadAttributes['type'] = {}): ParameterDecorator {
  return (target, member, index) => {
    const where = parameterWhere('Payload', target, member, index);
    if (attributes === undefined) {
      throw refused('Payload', where, 'the type is undefined here: classes import each other; write `() => Type`');
    }
    const mark = {
      is: 'payload' as const,
      attributes: typeof attributes === 'function' ? { type: attributes } : attributes,
    };
    if (!writeMark(target, member as Member, index, mark))
      throw refused('Payload', where, 'the parameter is decorated twice');
  };
}

/** One header of the record, converted to the parameter's class. Names: `KafkaHeaders`, or your own. */
export function Header(name: string, attributes: HeaderAttributes = {}): ParameterDecorator {
  return (target, member, index) => {
    const where = parameterWhere('Header', target, member, index);
    if (typeof name !== 'string' || name === '') throw refused('Header', where, 'name the header');
    const mark = { is: 'header' as const, name, attributes };
    if (!writeMark(target, member as Member, index, mark))
      throw refused('Header', where, 'the parameter is decorated twice');
  };
}

/** All headers: `MessageHeaders` (a `Map`) when the parameter is one, else a plain object. */
export function Headers(): ParameterDecorator {
  return (target, member, index) => {
    const where = parameterWhere('Headers', target, member, index);
    if (!writeMark(target, member as Member, index, { is: 'headers' })) {
      throw refused('Headers', where, 'the parameter is decorated twice');
    }
  };
}

function checkAttributes(attributes: KafkaListenerAttributes, where: string): void {
  if (typeof attributes !== 'object' || attributes === null) {
    throw refused('KafkaListener', where, "give it attributes, for example { topics: 'orders', groupId: 'billing' }");
  }
  for (const name of Object.keys(attributes)) {
    if ((listenerAttributeNames as readonly string[]).includes(name)) continue;
    const near = suggest(name, [...listenerAttributeNames]);
    throw refused(
      'KafkaListener',
      where,
      `unknown attribute '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}`,
    );
  }
  const sources = (['topics', 'topicPattern', 'topicPartitions'] as const).filter(
    (name) => attributes[name] !== undefined,
  );
  if (sources.length !== 1) {
    const found = sources.length === 0 ? 'none is given' : `${sources.join(' and ')} are given`;
    throw refused(
      'KafkaListener',
      where,
      `exactly one of topics, topicPattern and topicPartitions must be given; ${found}`,
    );
  }
  checkLiterals(attributes, where);
}

function checkLiterals({ ackMode, concurrency, topicPartitions }: KafkaListenerAttributes, where: string): void {
  if (typeof ackMode === 'string' && !isText(ackMode) && !isAckMode(ackMode)) {
    throw refused('KafkaListener', where, `ackMode '${ackMode}' is none of ${ackModes.join(', ')}`);
  }
  if (typeof concurrency === 'number' && !(Number.isInteger(concurrency) && concurrency > 0)) {
    throw refused('KafkaListener', where, `concurrency is a whole number above 0, not ${concurrency}`);
  }
  if (topicPartitions !== undefined && (!Array.isArray(topicPartitions) || topicPartitions.length === 0)) {
    throw refused(
      'KafkaListener',
      where,
      "topicPartitions is a list such as [{ topic: 'orders', partitions: ['0-2'] }]",
    );
  }
}

function isText(value: string): boolean {
  return value.includes('${');
}

function isAckMode(text: string): boolean {
  return (ackModes as readonly string[]).includes(text.toLowerCase().replaceAll('-', '_'));
}

function replyTopic(topic: string | ReplyTopicFunction | undefined): ReplyTopic {
  if (topic === undefined) return { from: 'request' };
  return typeof topic === 'function' ? { from: 'function', of: topic } : { from: 'text', text: topic };
}

function requireMethod(decorator: string, target: object, where: string, descriptor?: PropertyDescriptor): void {
  if (typeof target === 'function')
    throw refused(decorator, where, 'a static method has no bean; make it an instance method');
  if (descriptor !== undefined && typeof descriptor.value !== 'function') {
    throw refused(decorator, where, 'it belongs on a method');
  }
}

function parameterWhere(decorator: string, target: object, member: Member | undefined, index: number): string {
  if (member === undefined) {
    throw refused(
      decorator,
      `the constructor of ${(target as { name?: string }).name}`,
      'it belongs on a parameter of a listener method',
    );
  }
  return `parameter ${index} of ${described(target, member)}`;
}

function described(target: object, member: Member | undefined): string {
  const className = typeof target === 'function' ? target.name : target.constructor.name;
  return member === undefined ? `class ${className}` : `${className}.${String(member)}`;
}

function refused(decorator: string, where: string, problem: string): ListenerConfigurationError {
  return cutStack(new ListenerConfigurationError(`@${decorator} on ${where}: ${problem}`));
}
