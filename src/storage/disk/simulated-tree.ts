/**
 * The names of the simulated disk: a tree, and a journal of changes to it (create, rename, remove) that no directory sync has made
 * durable yet. A change is atomic, also a rename from one directory to another. Within a directory the journal keeps its order: a
 * power cut takes away the end of it, never the middle. Between directories it keeps the order on some cuts (one journal for the
 * whole file system, as ext4 and XFS have) and on others not, since no program may count on it. ◇
 */
import { KafkaError, type Random } from '#core';
import { SimulatedContent } from './simulated-content.ts';

export interface SimulatedFileNode {
  readonly kind: 'file';
  readonly content: SimulatedContent;
}

export interface SimulatedDirectory {
  readonly kind: 'directory';
  readonly names: Map<string, SimulatedNode>;
  readonly durableNames: Map<string, SimulatedNode>;
}

export type SimulatedNode = SimulatedFileNode | SimulatedDirectory;

/** `node` undefined: the name goes away. */
interface Edit {
  readonly directory: SimulatedDirectory;
  readonly name: string;
  readonly node: SimulatedNode | undefined;
}

type Change = readonly Edit[];

export class SimulatedTree {
  readonly #root: SimulatedDirectory;
  /** Oldest first. */
  #journal: Change[];

  constructor(root: SimulatedDirectory = newDirectory(), journal: Change[] = []) {
    this.#root = root;
    this.#journal = journal;
  }

  find(path: string): SimulatedNode | undefined {
    let node: SimulatedNode | undefined = this.#root;
    for (const name of parts(path)) node = node?.kind === 'directory' ? node.names.get(name) : undefined;
    return node;
  }

  /** The file at `path`; made with `create`. Throws when there is none, or a directory. */
  file(path: string, create: boolean): SimulatedFileNode {
    const { directory, name } = this.#parent(path);
    const node = directory.names.get(name);
    if (node?.kind === 'directory') throw new KafkaError('STORAGE_FAILED', `cannot open ${path}: it is a directory`);
    if (node !== undefined) return node;
    if (!create) throw absent(path);
    const made: SimulatedFileNode = { kind: 'file', content: new SimulatedContent() };
    this.#change([{ directory, name, node: made }]);
    return made;
  }

  /** Makes directories where they are absent; returns how many. */
  makeDirectory(path: string): number {
    let madeCount = 0;
    let directory = this.#root;
    for (const name of parts(path)) {
      let child = directory.names.get(name);
      if (child?.kind === 'file') throw new KafkaError('STORAGE_FAILED', `cannot create ${path}: ${name} is a file`);
      if (child === undefined) {
        child = newDirectory();
        this.#change([{ directory, name, node: child }]);
        madeCount++;
      }
      directory = child;
    }
    return madeCount;
  }

  rename(from: string, to: string): void {
    const source = this.#parent(from);
    const node = source.directory.names.get(source.name);
    if (node === undefined) throw absent(from);
    const target = this.#parent(to);
    this.#change([
      { ...target, node },
      { ...source, node: undefined },
    ]);
  }

  /** A directory goes name by name, from the leaves up. */
  remove(path: string): void {
    const node = this.find(path);
    if (node === undefined) return;
    if (node.kind === 'directory') for (const name of [...node.names.keys()]) this.remove(`${path}/${name}`);
    this.#change([{ ...this.#parent(path), node: undefined }]);
  }

  /** Makes the names of the directory durable, and of others what came before in one change with them. */
  sync(path: string): void {
    const directory = this.find(path);
    if (directory?.kind !== 'directory') throw absent(path);
    const wanted = new Set([directory]);
    const synced: Change[] = [];
    this.#journal = this.#journal
      .toReversed()
      .filter((change) => {
        if (!change.some((edit) => wanted.has(edit.directory))) return true;
        for (const edit of change) wanted.add(edit.directory);
        synced.push(change);
        return false;
      })
      .toReversed();
    for (const change of synced.toReversed()) for (const edit of change) apply(edit.directory.durableNames, edit);
  }

  /** What a power cut leaves, everything in it durable. Without `random`: nothing that was not synced. */
  afterCrash(random: Random | undefined): SimulatedTree {
    const names = new Map<SimulatedDirectory, Map<string, SimulatedNode>>();
    const namesOf = (directory: SimulatedDirectory): Map<string, SimulatedNode> => {
      const known = names.get(directory) ?? new Map(directory.durableNames);
      names.set(directory, known);
      return known;
    };
    for (const edit of random === undefined ? [] : keptChanges(this.#journal, random).flat()) {
      apply(namesOf(edit.directory), edit);
    }
    const copyOf = (node: SimulatedNode): SimulatedNode => {
      if (node.kind === 'file') {
        return { kind: 'file', content: SimulatedContent.of(node.content.afterCrash(random)) };
      }
      const children = [...namesOf(node)].map(([name, child]) => [name, copyOf(child)] as const);
      return { kind: 'directory', names: new Map(children), durableNames: new Map(children) };
    };
    return new SimulatedTree(copyOf(this.#root) as SimulatedDirectory);
  }

  /** A tree of its own that knows the same. */
  clone(): SimulatedTree {
    const copies = new Map<SimulatedNode, SimulatedNode>();
    const copyOf = <T extends SimulatedNode>(node: T): T => {
      const known = copies.get(node);
      if (known !== undefined) return known as T;
      const copy: SimulatedNode =
        node.kind === 'file' ? { kind: 'file', content: node.content.clone() } : newDirectory();
      copies.set(node, copy);
      if (node.kind === 'directory' && copy.kind === 'directory') {
        for (const [name, child] of node.names) copy.names.set(name, copyOf(child));
        for (const [name, child] of node.durableNames) copy.durableNames.set(name, copyOf(child));
      }
      return copy as T;
    };
    const journal = this.#journal.map((change) =>
      change.map(({ directory, name, node }) => ({
        directory: copyOf(directory),
        name,
        node: node === undefined ? undefined : copyOf(node),
      })),
    );
    return new SimulatedTree(copyOf(this.#root), journal);
  }

  #change(change: Change): void {
    for (const edit of change) apply(edit.directory.names, edit);
    this.#journal.push(change);
  }

  #parent(path: string): { directory: SimulatedDirectory; name: string } {
    const names = parts(path);
    const name = names.pop();
    const directory = this.find(names.join('/'));
    if (directory?.kind !== 'directory' || name === undefined) throw absent(path);
    return { directory, name };
  }
}

/** What the journal had written at a cut. */
function keptChanges(journal: readonly Change[], random: Random): Change[] {
  const isOneJournal = random.uint32() % 2 === 0;
  if (isOneJournal) return journal.slice(0, random.uint32() % (journal.length + 1));
  const keptShare = [0, 0.5, 0.9, 1][random.uint32() % 4];
  const ended = new Set<SimulatedDirectory>();
  return journal.filter((change) => {
    const isKept = random.float() < keptShare && !change.some((edit) => ended.has(edit.directory));
    if (!isKept) for (const edit of change) ended.add(edit.directory);
    return isKept;
  });
}

function apply(names: Map<string, SimulatedNode>, { name, node }: Edit): void {
  if (node === undefined) names.delete(name);
  else names.set(name, node);
}

function newDirectory(): SimulatedDirectory {
  return { kind: 'directory', names: new Map(), durableNames: new Map() };
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function absent(path: string): KafkaError {
  const cause = Object.assign(new Error(`ENOENT: no such file or directory: ${path}`), { code: 'ENOENT' });
  return new KafkaError('STORAGE_FAILED', cause.message, { cause });
}
