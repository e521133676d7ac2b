/**
 * Finds the error codes in a response, wherever its schema has them: every `errorCode` of the response itself, of its structs and of the
 * elements of its arrays. Made once an API; counting allocates nothing. As the codecs it is generated code where the runtime allows it: to
 * walk a plan cost half as much as to encode the answer.
 */
import { canGenerateCode, Errors, type FieldSchema, type MessageSchema } from '#protocol';

/** Counts by code, from `CODE_MIN` on. */
export const CODE_MIN = -1;
export const CODE_COUNT = 256;

interface Plan {
  readonly hasCode: boolean;
  readonly structs: readonly Branch[];
  readonly arrays: readonly Branch[];
}

interface Branch {
  readonly name: string;
  readonly plan: Plan;
}

type Struct = Readonly<Record<string, unknown>>;

/** Adds the codes in a body to `counts`; a response that can have none counts as one without error. */
export type ErrorCounter = (body: object, counts: Float64Array) => void;

export function errorCounter({ fields }: MessageSchema): ErrorCounter {
  const plan = planOf(fields);
  if (isEmpty(plan)) return (_body, counts) => void counts[Errors.NONE.code - CODE_MIN]++;
  if (canGenerateCode()) return new Function('s0', 'counts', source(plan, 0)) as ErrorCounter;
  return (body, counts) => count(plan, body as Struct, counts);
}

/** Statements that count in the struct `s<depth>`. */
function source({ hasCode, structs, arrays }: Plan, depth: number): string {
  const outer = `s${depth}`;
  const inner = `s${depth + 1}`;
  const lines = hasCode ? [`counts[(${outer}.errorCode ?? 0) - ${CODE_MIN}]++;`] : [];
  for (const { name, plan } of structs)
    lines.push(`{ const ${inner} = ${outer}.${name}; if (${inner} != null) { ${source(plan, depth + 1)} } }`);
  for (const { name, plan } of arrays)
    lines.push(`for (const ${inner} of ${outer}.${name} ?? []) { ${source(plan, depth + 1)} }`);
  return lines.join('\n');
}

function count(plan: Plan, struct: Struct, counts: Float64Array): void {
  if (plan.hasCode) counts[((struct['errorCode'] as number | undefined) ?? 0) - CODE_MIN]++;
  for (const { name, plan: inner } of plan.structs) {
    const value = struct[name] as Struct | null | undefined;
    if (value !== null && value !== undefined) count(inner, value, counts);
  }
  for (const { name, plan: inner } of plan.arrays) {
    const items = struct[name] as readonly Struct[] | null | undefined;
    if (items === null || items === undefined) continue;
    for (let at = 0; at < items.length; at++) count(inner, items[at], counts);
  }
}

function planOf(fields: readonly FieldSchema[]): Plan {
  const structs: Branch[] = [];
  const arrays: Branch[] = [];
  for (const { name, type } of fields) {
    const isArray = type.kind === 'array';
    const inner = isArray ? type.element : type;
    if (inner.kind !== 'struct') continue;
    const plan = planOf(inner.fields);
    if (!isEmpty(plan)) (isArray ? arrays : structs).push({ name, plan });
  }
  return { hasCode: fields.some(({ name }) => name === 'errorCode'), structs, arrays };
}

function isEmpty({ hasCode, structs, arrays }: Plan): boolean {
  return !hasCode && structs.length === 0 && arrays.length === 0;
}
