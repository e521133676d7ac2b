/**
 * A message as a tree in which the structure itself can be changed: what counts, lengths, tags and sizes say is computed when the tree
 * is written down, unless a node claims something else.
 */

/** `claimed`: what stands on the wire instead of what would be right; bytes are written as they are. */
export type Claim = number | Buffer;
/** How a length or count is written. `compact`: unsigned varint of one more, 0 = null. */
export type LengthForm = 'int16' | 'int32' | 'compact';

export interface Leaf {
  readonly kind: 'leaf';
  bytes: Buffer;
}

export interface Sized {
  readonly kind: 'sized';
  readonly what: 'string' | 'bytes' | 'records';
  readonly form: LengthForm;
  content: Buffer | null;
  claimed?: Claim;
}

export interface List {
  readonly kind: 'list';
  readonly form: LengthForm;
  elements: Node[] | null;
  /** Makes one more element. */
  readonly sample: () => Node;
  claimed?: Claim;
}

export interface Tagged {
  tag: number;
  content: Node;
  claimedSize?: Claim;
}

export interface Tags {
  readonly kind: 'tags';
  entries: Tagged[];
  claimed?: Claim;
}

export interface Sequence {
  readonly kind: 'sequence';
  readonly children: Node[];
}

export type Node = Leaf | Sized | List | Tags | Sequence;

/** The bytes of a tree. */
export function bytesOf(node: Node): Buffer {
  const chunks: Buffer[] = [];
  write(node, chunks);
  return Buffer.concat(chunks);
}

/** Every node of a tree, the root first. */
export function* walk(node: Node): Generator<Node> {
  yield node;
  const children =
    node.kind === 'sequence'
      ? node.children
      : node.kind === 'list'
        ? (node.elements ?? [])
        : node.kind === 'tags'
          ? node.entries.map(({ content }) => content)
          : [];
  for (const child of children) yield* walk(child);
}

export function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >>> 0;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

export function integer(bits: 8 | 16 | 32 | 64, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt.asIntN(64, value));
  return bytes.subarray(8 - bits / 8);
}

function write(node: Node, chunks: Buffer[]): void {
  switch (node.kind) {
    case 'leaf':
      chunks.push(node.bytes);
      return;
    case 'sized':
      chunks.push(length(node.form, node.claimed ?? node.content?.length ?? -1));
      if (node.content !== null) chunks.push(node.content);
      return;
    case 'list':
      chunks.push(length(node.form, node.claimed ?? node.elements?.length ?? -1));
      for (const element of node.elements ?? []) write(element, chunks);
      return;
    case 'tags':
      chunks.push(plain(node.claimed ?? node.entries.length));
      for (const { tag, content, claimedSize } of node.entries) {
        const bytes = bytesOf(content);
        chunks.push(uvarint(tag), plain(claimedSize ?? bytes.length), bytes);
      }
      return;
    case 'sequence':
      for (const child of node.children) write(child, chunks);
  }
}

function plain(value: Claim): Buffer {
  return Buffer.isBuffer(value) ? value : uvarint(value);
}

function length(form: LengthForm, value: Claim): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (form === 'compact') return uvarint(value + 1);
  return integer(form === 'int16' ? 16 : 32, BigInt(value));
}
