/**
 * Valid requests of any API in any version, made from the schemas: strings and ids that the broker knows stand beside those that it does
 * not, so that requests come as deep as they can.
 */
import { compressionCodecs, type Random, type Uuid, uuidToBytes, ZERO_UUID } from '#core';
import type { Api } from '#protocol';
import { type FieldPlan, planStruct } from '../../src/protocol/field-plan.ts';
import type { FieldSchema, FieldType } from '../../src/protocol/schema.ts';
import { type RawBatchFields, rawBatch } from '../storage/raw-batch.ts';
import { integer, type LengthForm, type Node, type Sequence, type Sized } from './tree.ts';

/** What the broker under test has. */
export interface World {
  readonly topics: readonly string[];
  readonly topicIds: readonly Uuid[];
  readonly groups: readonly string[];
  /** Learnt from answers. */
  readonly memberIds: string[];
  readonly nowMs: number;
}

const ELEMENTS_MAX = 3;
const SMALL = [0n, 0n, 1n, 1n, -1n, 2n, 5n, 100n];

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.uint32() % values.length];
}

export function chance(random: Random, of: number): boolean {
  return random.uint32() % of === 0;
}

/** The body of a request. */
export function generate(api: Api, version: number, world: World, random: Random): Sequence {
  return new Generator(world, random, version).struct(api.request.fields, api.isFlexible(version));
}

class Generator {
  readonly #world: World;
  readonly #random: Random;
  readonly #version: number;

  constructor(world: World, random: Random, version: number) {
    this.#world = world;
    this.#random = random;
    this.#version = version;
  }

  struct(fields: readonly FieldSchema[], isFlexible: boolean): Sequence {
    const plan = planStruct(fields, this.#version, isFlexible);
    const children = plan.inline.map((field) => this.#field(field));
    if (isFlexible) {
      const present = plan.tagged.filter(() => chance(this.#random, 2));
      const entries = present.map((field) => ({ tag: field.field.tag!, content: this.#field(field) }));
      children.push({ kind: 'tags', entries });
    }
    return { kind: 'sequence', children };
  }

  #field({ field, isNullable, isCompact, isTagged }: FieldPlan): Node {
    const isNull = isNullable && chance(this.#random, 4);
    if (field.type.kind === 'struct') {
      if (!isNullable) return this.struct(field.type.fields, isCompact);
      const mark = isTagged ? (isNull ? 0 : 1) : isNull ? -1 : 1;
      const inner = isNull ? [] : [this.struct(field.type.fields, isCompact)];
      return { kind: 'sequence', children: [{ kind: 'leaf', bytes: integer(8, BigInt(mark)) }, ...inner] };
    }
    return this.#value(field.name, field.type, isCompact, isNull);
  }

  #value(name: string, type: FieldType, isCompact: boolean, isNull: boolean): Node {
    switch (type.kind) {
      case 'struct':
        return this.struct(type.fields, isCompact);
      case 'array': {
        const sample = () => this.#value(name, type.element, isCompact, false);
        const count = this.#random.uint32() % (ELEMENTS_MAX + 1);
        const elements = isNull ? null : Array.from({ length: count }, sample);
        return { kind: 'list', form: isCompact ? 'compact' : 'int32', elements, sample };
      }
      case 'string':
        return this.#sized('string', isCompact ? 'compact' : 'int16', isNull ? null : Buffer.from(this.#text(name)));
      case 'bytes':
        return this.#sized('bytes', isCompact ? 'compact' : 'int32', isNull ? null : this.#bytes(name));
      case 'records':
        return this.#sized('records', isCompact ? 'compact' : 'int32', isNull ? null : this.#records());
      case 'uuid':
        return { kind: 'leaf', bytes: Buffer.from(uuidToBytes(this.#uuid())) };
      case 'bool':
        return { kind: 'leaf', bytes: integer(8, BigInt(this.#random.uint32() % 2)) };
      case 'float64':
        return {
          kind: 'leaf',
          bytes: pick(this.#random, [Buffer.alloc(8), integer(64, 0x7ff8n << 48n), integer(64, 1n)]),
        };
      default:
        return { kind: 'leaf', bytes: integer(bitsOf(type.kind), this.#number(name)) };
    }
  }

  #sized(what: Sized['what'], form: LengthForm, content: Buffer | null): Sized {
    return { kind: 'sized', what, form, content };
  }

  #text(name: string): string {
    const { topics, groups, memberIds } = this.#world;
    if (chance(this.#random, 12)) return pick(this.#random, ['', '.', 'a/../b', 'ä', 'x'.repeat(300), '\0', 'null']);
    if (/topic|^name$|resourceName/i.test(name))
      return pick(this.#random, [...topics, 'missing', '__consumer_offsets']);
    if (/member/i.test(name)) return pick(this.#random, [...memberIds, '']);
    if (/protocolType/i.test(name)) return 'consumer';
    if (/value/i.test(name)) return pick(this.#random, ['1', '1000', 'true', 'delete', 'compact', 'range']);
    if (/config|entity/i.test(name)) return pick(this.#random, ['retention.ms', 'client-id', 'user', 'cleanup.policy']);
    return pick(this.#random, [...groups, ...topics, 'range', 'uniform', 'springtide']);
  }

  #uuid(): Uuid {
    return pick(this.#random, [...this.#world.topicIds, ZERO_UUID, this.#random.uuid()]);
  }

  #number(name: string): bigint {
    if (/timeout|waitMs/i.test(name)) return pick(this.#random, [0n, 100n, 1000n, 30_000n]);
    if (/timestamp/i.test(name)) return pick(this.#random, [-1n, -2n, -3n, BigInt(this.#world.nowMs)]);
    if (/bytes/i.test(name)) return pick(this.#random, [0n, 1n, 1000n, 1_000_000n]);
    if (/numPartitions|count/i.test(name)) return pick(this.#random, [-1n, 1n, 2n, 3n]);
    if (/resourceType/i.test(name)) return pick(this.#random, [2n, 4n, 32n]);
    if (/acks/i.test(name)) return pick(this.#random, [-1n, -1n, 1n, 0n]);
    return pick(this.#random, SMALL);
  }

  /** Subscriptions and assignments of the consumer protocol, or anything. */
  #bytes(name: string): Buffer {
    const subscription = Buffer.from('00000000000100017400000000', 'hex');
    if (/metadata|assignment/i.test(name) && !chance(this.#random, 3)) return subscription;
    return this.#random.bytes(this.#random.uint32() % 20);
  }

  #records(): Buffer {
    const random = this.#random;
    const fields: RawBatchFields = {
      codec: pick(random, compressionCodecs),
      records: Array.from({ length: 1 + (random.uint32() % 4) }, () => ({})),
      ...(chance(random, 3)
        ? { producerId: BigInt(random.uint32() % 3), producerEpoch: 0, baseSequence: random.uint32() % 4 }
        : {}),
      ...(chance(random, 8) ? { attributes: 0x10 } : {}),
    };
    return rawBatch(fields, this.#world.nowMs);
  }
}

function bitsOf(kind: string): 8 | 16 | 32 | 64 {
  return kind === 'hash64' ? 64 : (Number(/\d+/.exec(kind)![0]) as 8 | 16 | 32 | 64);
}
