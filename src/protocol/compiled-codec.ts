/**
 * Codecs as generated code: one function per struct, straight-line, fields in local variables, objects made by one
 * literal so that all of a kind share a hidden class. A Fetch request of ten partitions decodes in about a microsecond.
 * The text comes from declarations in this project only, never from the wire.
 */
import * as primitives from './codec-primitives.ts';
import { elementBytesMin, type FieldPlan, isDefault, planStruct, type StructPlan } from './field-plan.ts';
import type { Codec, FieldSchema, FieldType, MessageSchema, PrimitiveKind } from './schema.ts';
import { includes } from './version-range.ts';

let isAllowed: boolean | undefined;

/** False where the runtime forbids code from strings. */
export function canGenerateCode(): boolean {
  if (isAllowed === undefined) {
    try {
      new Function('return true')();
      isAllowed = true;
    } catch (error) {
      if (!(error instanceof EvalError)) throw error;
      isAllowed = false;
    }
  }
  return isAllowed;
}

export function compiledCodec(schema: MessageSchema, version: number): Codec {
  const source = new CodecSource(version);
  const plan = planStruct(schema.fields, version, includes(schema.flexible, version));
  const encoder = source.encoder(plan, schema.name);
  const decoder = source.decoder(plan, schema.fields);
  const text = `'use strict';\n${source.functions.join('\n')}\nreturn { encode: ${encoder}, decode: ${decoder} };`;
  const scope = { ...primitives, isDefault };
  const names = [...Object.keys(scope), 'constants'];
  return new Function(...names, text)(...Object.values(scope), source.constants) as Codec;
}

/** Expressions that a value of the type must satisfy, `$` standing for the value. */
const INTEGER_TEST: Partial<Record<PrimitiveKind, string>> = {
  int8: '($ << 24 >> 24) === $',
  int16: '($ << 16 >> 16) === $',
  uint16: '($ & 65535) === $',
  int32: '($ | 0) === $',
  uint32: '($ >>> 0) === $',
  int64: 'Number.isSafeInteger($)',
};

class CodecSource {
  readonly functions: string[] = [];
  /** Field schemas that the generated code refers to by index. */
  readonly constants: unknown[] = [];
  readonly #version: number;

  constructor(version: number) {
    this.#version = version;
  }

  /** Adds a function `(value, w)` and returns its name. */
  encoder(plan: StructPlan, where: string): string {
    const lines: string[] = [];
    for (const field of plan.absent) {
      if (field.ignorable) continue;
      const test = this.#isNotDefault(field, `v.${field.name}`);
      lines.push(`if (${test}) unsupportedField(${JSON.stringify(`${where}.${field.name}`)}, ${this.#version});`);
    }
    for (const field of plan.inline) lines.push(this.#writeField(field, `${where}.${field.field.name}`, 'w'));
    if (plan.isFlexible) lines.push(...this.#writeTagSection(plan, where));
    return this.#add('encode', 'v, w', lines);
  }

  /** Adds a function `(r)` and returns its name. */
  decoder(plan: StructPlan, fields: readonly FieldSchema[]): string {
    const lines: string[] = [];
    for (const field of plan.inline) lines.push(`const ${local(field.field)} = ${this.#readField(field)};`);
    for (const { field } of plan.tagged) lines.push(`let ${local(field)} = ${this.#defaultText(field)};`);
    if (plan.isFlexible) lines.push(...this.#readTagSection(plan));
    const absent = new Set(plan.absent);
    const members = fields.map(
      (field) => `${field.name}: ${absent.has(field) ? this.#defaultText(field) : local(field)}`,
    );
    lines.push(`return { ${members.join(', ')} };`);
    return this.#add('decode', 'r', lines);
  }

  #add(kind: string, parameters: string, lines: readonly string[]): string {
    const name = `${kind}${this.functions.length}`;
    this.functions.push(`function ${name}(${parameters}) {\n  ${lines.join('\n  ')}\n}`);
    return name;
  }

  #constant(value: unknown): string {
    this.constants.push(value);
    return `constants[${this.constants.length - 1}]`;
  }

  #defaultText(field: FieldSchema): string {
    if (field.default === null) return 'null';
    switch (field.type.kind) {
      case 'array':
        return '[]';
      case 'struct':
        return `{ ${field.type.fields.map((inner) => `${inner.name}: ${this.#defaultText(inner)}`).join(', ')} }`;
      case 'bytes':
      case 'records':
        return 'noBytes()';
      default:
        return JSON.stringify(field.default);
    }
  }

  #isNotDefault(field: FieldSchema, value: string): string {
    const isSimple = field.type.kind !== 'struct' && field.type.kind !== 'array' && field.type.kind !== 'bytes';
    if (isSimple && field.type.kind !== 'records')
      return `${value} !== undefined && ${value} !== ${this.#defaultText(field)}`;
    return `${value} !== undefined && !isDefault(${this.#constant(field)}, ${value})`;
  }

  #writeField(plan: FieldPlan, where: string, writer: string): string {
    const { field, isNullable, isCompact } = plan;
    const value = local(field);
    const name = JSON.stringify(where);
    const isStruct = field.type.kind === 'struct';
    const write = this.#write(field.type, value, isCompact, where, writer);
    const present = isStruct && isNullable ? `${writer}.int8(1); ${write}` : write;
    const absent = isNullable || field.type.kind === 'records' ? nullText(plan, writer) : undefined;
    const lines = [
      `let ${value} = v.${field.name};`,
      `if (${value} === undefined) ${value} = ${this.#defaultText(field)};`,
      absent === undefined ? this.#refuseNull(field.type, value, name) : `if (${value} === null) ${absent} else {`,
      present,
      absent === undefined ? '' : '}',
    ];
    return `{ ${lines.join(' ')} }`;
  }

  /** Primitives are tested when they are written; the rest would fail on null in the middle. */
  #refuseNull(type: FieldType, value: string, name: string): string {
    const isTested = type.kind in INTEGER_TEST || type.kind === 'string';
    return isTested ? '' : `if (${value} === null) badValue(${name}, 'a value', null);`;
  }

  #write(type: FieldType, value: string, isCompact: boolean, where: string, writer: string): string {
    switch (type.kind) {
      case 'struct':
        return `${this.encoder(planStruct(type.fields, this.#version, isCompact), where)}(${value}, ${writer});`;
      case 'array': {
        const write = this.#write(type.element, 'e', isCompact, where, writer);
        return `writeCount(${writer}, ${isCompact}, ${value}.length); for (const e of ${value}) { ${write} }`;
      }
      default:
        return writePrimitive(type.kind, value, isCompact, JSON.stringify(where), writer);
    }
  }

  #writeTagSection(plan: StructPlan, where: string): string[] {
    if (plan.tagged.length === 0) return ['w.unsignedVarint(0);'];
    const lines = ['let tags = 0;'];
    for (const { field } of plan.tagged) {
      lines.push(`const has${field.tag} = ${this.#isNotDefault(field, `v.${field.name}`)};`);
      lines.push(`if (has${field.tag}) tags++;`);
    }
    lines.push('w.unsignedVarint(tags);');
    for (const tagged of plan.tagged) {
      const write = this.#writeField(tagged, `${where}.${tagged.field.name}`, 't');
      lines.push(`if (has${tagged.field.tag}) writeTagged(w, ${tagged.field.tag}, (t) => ${write});`);
    }
    return lines;
  }

  #readField(plan: FieldPlan): string {
    const { field, isNullable, isCompact, isTagged } = plan;
    const read = this.#read(field.type, isCompact, isNullable);
    if (field.type.kind !== 'struct' || !isNullable) return read;
    return isTagged ? `r.unsignedVarint() === 0 ? null : ${read}` : `r.int8() < 0 ? null : ${read}`;
  }

  #read(type: FieldType, isCompact: boolean, isNullable: boolean): string {
    switch (type.kind) {
      case 'struct':
        return `${this.decoder(planStruct(type.fields, this.#version, isCompact), type.fields)}(r)`;
      case 'array':
        return `${this.#arrayReader(type.element, isCompact, isNullable)}(r)`;
      default:
        return readPrimitive(type.kind, isCompact, isNullable);
    }
  }

  #arrayReader(element: FieldType, isCompact: boolean, isNullable: boolean): string {
    const bytesMin = elementBytesMin(element, this.#version, isCompact);
    return this.#add('readArray', 'r', [
      `const count = readCount(r, ${isCompact}, ${bytesMin});`,
      `if (count < 0) return ${isNullable ? 'null' : 'unexpectedNull(r)'};`,
      'const elements = [];',
      `for (let i = 0; i < count; i++) elements.push(${this.#read(element, isCompact, false)});`,
      'return elements;',
    ]);
  }

  #readTagSection(plan: StructPlan): string[] {
    const cases = plan.tagged.map(
      (tagged) =>
        `case ${tagged.field.tag}: ${local(tagged.field)} = ${this.#readField(tagged)}; checkTagEnd(r, tagEnd); break;`,
    );
    return [
      'for (let left = readTagCount(r); left > 0; left--) {',
      '  const tag = r.unsignedVarint();',
      '  const tagEnd = readTagEnd(r);',
      `  switch (tag) { ${cases.join(' ')} default: r.position = tagEnd; }`,
      '}',
    ];
  }
}

/** Names of fields are never reserved words with this before them. */
function local(field: FieldSchema): string {
  return `$${field.name}`;
}

function nullText({ field, isCompact, isTagged }: FieldPlan, writer: string): string {
  const { kind } = field.type;
  if (kind === 'struct') return isTagged ? `${writer}.unsignedVarint(0);` : `${writer}.int8(-1);`;
  if (isCompact) return `${writer}.unsignedVarint(0);`;
  return kind === 'string' ? `${writer}.int16(-1);` : `${writer}.int32(-1);`;
}

function writePrimitive(kind: PrimitiveKind, value: string, isCompact: boolean, name: string, writer: string): string {
  const compact = isCompact ? 'Compact' : '';
  const test = INTEGER_TEST[kind];
  if (test !== undefined) {
    return `if (!(${test.replaceAll('$', () => value)})) badValue(${name}, '${kind}', ${value}); ${writer}.${kind}(${value});`;
  }
  switch (kind) {
    case 'bool':
      return `${writer}.int8(${value} ? 1 : 0);`;
    case 'string':
      return `if (typeof ${value} !== 'string') badValue(${name}, 'string', ${value}); write${compact}String(${writer}, ${value});`;
    case 'bytes':
      return `write${compact}Bytes(${writer}, ${value});`;
    case 'records':
      return `write${compact}Records(${writer}, ${value});`;
    default:
      return `${writer}.${kind}(${value});`;
  }
}

function readPrimitive(kind: PrimitiveKind, isCompact: boolean, isNullable: boolean): string {
  const compact = isCompact ? 'Compact' : '';
  switch (kind) {
    case 'bool':
      return 'r.int8() !== 0';
    case 'uuid':
      return 'r.uuid()';
    case 'string':
      return `read${compact}${isNullable ? 'Nullable' : ''}String(r)`;
    case 'bytes':
      return `read${compact}${isNullable ? 'Nullable' : ''}Bytes(r)`;
    case 'records':
      return `read${compact}NullableBytes(r)`;
    default:
      return `r.${kind}()`;
  }
}
