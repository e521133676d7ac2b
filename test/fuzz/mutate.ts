/** Changes to a request: to its values, to its structure, to its records, to its header, and to the bytes that came of all that. */
import type { Random } from '#core';
import { BATCH_HEADER_BYTES, sealBatch } from '#protocol';
import { chance, pick } from './generate.ts';
import {
  bytesOf,
  type Claim,
  integer,
  type Leaf,
  type List,
  type Node,
  type Sized,
  type Tags,
  uvarint,
  walk,
} from './tree.ts';

/** What a request is before it is written down. */
export interface Draft {
  apiKey: number;
  version: number;
  clientId: Buffer | null;
  clientIdLength: number | undefined;
  isFlexible: boolean;
  body: Node;
  /** Once is enough: repetitions within repetitions would fill our own memory. */
  isRepeated: boolean;
}

type Mutation = (draft: Draft, random: Random) => void;

/** Larger bodies are not sent: they say nothing that half of them do not say. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Varints that are too long, or whose bits do not fit. */
const OVERFLOWS = ['ffffffffff', 'ffffffffffffffffff01', 'ffffffff7f', '8080808000', '80808080808000'].map((hex) =>
  Buffer.from(hex, 'hex'),
);
const CLAIMS: readonly Claim[] = [
  -2,
  -1,
  0,
  1,
  2,
  3,
  127,
  128,
  255,
  32_767,
  65_536,
  2 ** 31 - 2,
  2 ** 31 - 1,
  ...OVERFLOWS,
];
const EXTREMES = [
  0n,
  1n,
  -1n,
  -2n,
  127n,
  128n,
  32_767n,
  -32_768n,
  2n ** 31n - 1n,
  -(2n ** 31n),
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
const TEXTS = ['ff', 'c0af', 'eda080', 'f8888080', '00', '0a0d1b5b316d', 'e280ae'].map((hex) =>
  Buffer.from(hex, 'hex'),
);
const REPETITIONS = [2, 3, 10, 10, 100, 100, 1000, 5_000];

/** Does a few things to a request, most often one. */
export function mutate(draft: Draft, random: Random): void {
  const count = pick(random, [1, 1, 1, 2, 4]);
  for (let step = 0; step < count; step++) pick(random, mutations)(draft, random);
}

/** What is done to the bytes of the frame, size included. */
export function mutateFrame(frame: Buffer, random: Random): Buffer {
  const kind = random.uint32() % 6;
  if (kind === 0) return frame.subarray(0, random.uint32() % frame.length);
  if (kind === 1) return resized(Buffer.concat([frame, random.bytes(1 + (random.uint32() % 8))]));
  if (kind === 2) return Buffer.concat([integer(32, BigInt(random.uint32())), frame.subarray(4)]);
  if (kind === 3) return resized(frame.subarray(0, 4 + (random.uint32() % (frame.length - 4))));
  const changed = Buffer.from(frame);
  for (let flips = 1 + (random.uint32() % 3); flips > 0; flips--) {
    changed[4 + (random.uint32() % (changed.length - 4))] = pick(random, [
      0,
      1,
      0x7f,
      0x80,
      0xff,
      random.uint32() & 0xff,
    ]);
  }
  return changed;
}

function resized(frame: Buffer): Buffer {
  const copy = Buffer.from(frame);
  copy.writeInt32BE(copy.length - 4, 0);
  return copy;
}

function some<K extends Node['kind']>(body: Node, kind: K, random: Random): Extract<Node, { kind: K }> | undefined {
  const found = [...walk(body)].filter((node) => node.kind === kind);
  return found.length === 0 ? undefined : (pick(random, found) as Extract<Node, { kind: K }>);
}

/** A mutation of one node of a kind, where there is one. */
function on<K extends Node['kind']>(
  kind: K,
  change: (node: Extract<Node, { kind: K }>, random: Random) => void,
): Mutation {
  return ({ body }, random) => {
    const node = some(body, kind, random);
    if (node !== undefined) change(node, random);
  };
}

const extremeValue = (leaf: Leaf, random: Random) => {
  if (leaf.bytes.length > 8) leaf.bytes = random.bytes(leaf.bytes.length);
  else leaf.bytes = integer((leaf.bytes.length * 8) as 8 | 16 | 32 | 64, pick(random, EXTREMES));
};

const oddText = (sized: Sized, random: Random) => {
  sized.content = pick(random, [null, Buffer.alloc(0), Buffer.alloc(33_000, 0x78), Buffer.alloc(249, 0x78), ...TEXTS]);
};

const wrongLength = (node: Sized | List | Tags, random: Random) => {
  node.claimed = pick(random, CLAIMS);
};

const repeat: Mutation = (draft, random) => {
  const list = some(draft.body, 'list', random);
  if (list === undefined || draft.isRepeated) return;
  draft.isRepeated = true;
  const element = list.elements?.[0] ?? list.sample();
  const most = Math.floor(BODY_BYTES_MAX / (bytesOf(element).length + 1));
  list.elements = Array(Math.min(most, pick(random, REPETITIONS))).fill(element);
};

const otherElements = (list: List, random: Random) => {
  if (list.elements === null || chance(random, 3)) list.elements = [list.sample(), list.sample()];
  else if (chance(random, 2)) list.elements = null;
  else list.elements = [...list.elements, ...list.elements];
};

const oddTags: Mutation = (draft, random) => {
  const tags = some(draft.body, 'tags', random);
  if (tags === undefined) return;
  const unknown = () => ({
    tag: random.uint32() >>> (random.uint32() % 32),
    content: { kind: 'leaf', bytes: random.bytes(3) } as Leaf,
  });
  const known = tags.entries[0];
  const kind = random.uint32() % 5;
  if (kind === 0 && known !== undefined) tags.entries = [known, known, ...tags.entries];
  else if (kind === 1) tags.entries = [...tags.entries].reverse();
  else if (kind === 2) {
    tags.entries = [
      ...tags.entries,
      ...Array.from({ length: draft.isRepeated ? 2 : pick(random, REPETITIONS) }, unknown),
    ];
    draft.isRepeated = true;
  } else if (kind === 3 && known !== undefined)
    known.claimedSize = pick(
      random,
      CLAIMS.filter((claim) => claim !== -1 && claim !== -2),
    );
  else tags.entries = [{ ...unknown(), tag: random.uint32() % 6 }, ...tags.entries];
};

const otherRecords = (sized: Sized, random: Random) => {
  if (sized.what !== 'records' || sized.content === null) return;
  sized.content = mutateBatch(sized.content, random);
};

/** A batch with a field changed; its checksum is right more often than not. */
function mutateBatch(batch: Buffer, random: Random): Buffer {
  if (batch.length <= BATCH_HEADER_BYTES) return random.bytes(random.uint32() % 80);
  const kind = random.uint32() % 5;
  if (kind === 0) return Buffer.concat([batch, batch]);
  if (kind === 1) return batch.subarray(0, random.uint32() % batch.length);
  const changed = Buffer.from(batch);
  const fields: readonly [at: number, bits: 8 | 16 | 32 | 64][] = [
    [0, 64],
    [8, 32],
    [12, 32],
    [16, 8],
    [21, 16],
    [23, 32],
    [27, 64],
    [35, 64],
    [43, 64],
    [51, 16],
    [53, 32],
    [57, 32],
  ];
  const [at, bits] = pick(random, fields);
  if (kind < 4) integer(bits, pick(random, EXTREMES)).copy(changed, at);
  else changed[BATCH_HEADER_BYTES + (random.uint32() % (changed.length - BATCH_HEADER_BYTES))] = random.uint32() & 0xff;
  if (!chance(random, 4)) sealBatch(changed);
  return changed;
}

const mutations: readonly Mutation[] = [
  on('leaf', extremeValue),
  on('leaf', extremeValue),
  on('sized', oddText),
  on('sized', wrongLength),
  on('sized', otherRecords),
  on('sized', otherRecords),
  on('list', wrongLength),
  repeat,
  on('list', otherElements),
  oddTags,
  on('tags', wrongLength),
  (draft, random) => {
    draft.version += pick(random, [-1, 1, 1, 100, -100]);
  },
  (draft, random) => {
    draft.clientId = pick(random, [null, Buffer.alloc(0), Buffer.alloc(30_000, 0x61), ...TEXTS]);
  },
  (draft, random) => {
    draft.clientIdLength = pick(random, [-2, -1, 0, 5, 32_767]);
  },
];

/** The frame of a request, size included. */
export function frameOf(draft: Draft, body: Buffer, correlationId: number): Buffer {
  const { apiKey, version, clientId, clientIdLength, isFlexible } = draft;
  const head = Buffer.concat([
    integer(16, BigInt(apiKey)),
    integer(16, BigInt(version)),
    integer(32, BigInt(correlationId)),
    integer(16, BigInt(clientIdLength ?? clientId?.length ?? -1)),
    clientId ?? Buffer.alloc(0),
    isFlexible ? uvarint(0) : Buffer.alloc(0),
    body,
  ]);
  return Buffer.concat([integer(32, BigInt(head.length)), head]);
}
