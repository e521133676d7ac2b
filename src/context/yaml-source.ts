/**
 * One yaml file → its documents, flattened to dotted names, each value with file, line and column. Scalars keep the text that stands in
 * the file (`1.10` stays `1.10`). Lists of scalars are one property; lists of maps become `key[0].name`.
 */
import type { Document, LineCounter, Node, Pair, Scalar } from 'yaml';
import { lazyPackage } from '#core';
import { joinName } from './property-name.ts';
import { MapPropertySource, type Origin, type Property } from './property-source.ts';
import { StartupFailure } from './startup-failure.ts';

const yaml = lazyPackage<typeof import('yaml')>('yaml');

/** @param file the name shown in origins. @throws StartupFailure naming file and line when the text is not yaml. */
export function parseYamlDocuments(text: string, file: string): MapPropertySource[] {
  const lineCounter = new (yaml().LineCounter)();
  const documents = yaml().parseAllDocuments(text, { lineCounter, prettyErrors: true, uniqueKeys: true });
  if (!Array.isArray(documents)) return [];
  return documents.map((document, index) => {
    const error = document.errors[0];
    if (error !== undefined) throw syntaxFailure(file, error.message, lineCounter.linePos(error.pos[0]).line);
    const reader = new DocumentReader(document, file, lineCounter);
    const name = documents.length === 1 ? file : `${file} (document ${index + 1})`;
    return new MapPropertySource(name, reader.read());
  });
}

class DocumentReader {
  readonly #document: Document;
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #properties: Property[] = [];

  constructor(document: Document, file: string, lines: LineCounter) {
    this.#document = document;
    this.#file = file;
    this.#lines = lines;
  }

  read(): Property[] {
    const contents = this.#document.contents;
    if (contents === null || (yaml().isScalar(contents) && contents.value === null)) return [];
    if (!yaml().isMap(contents)) {
      throw syntaxFailure(this.#file, 'the document is not a map of keys', this.#origin(contents).line ?? 1);
    }
    this.#walk('', contents);
    return this.#properties;
  }

  #walk(name: string, node: Node | null): void {
    const resolved = yaml().isAlias(node) ? (node.resolve(this.#document) ?? null) : node;
    if (yaml().isMap(resolved) && resolved.items.length > 0) {
      // Merged keys first: what the map itself says wins, wherever `<<` stands.
      const pairs = resolved.items as Pair<Node, Node | null>[];
      for (const pair of pairs.filter(isMerge)) this.#walkMerge(name, pair);
      for (const pair of pairs.filter((p) => !isMerge(p))) this.#walkPair(name, pair);
    } else if (yaml().isSeq(resolved) && resolved.items.length > 0) {
      this.#walkList(name, resolved.items as Node[], resolved);
    } else {
      this.#add(name, yaml().isScalar(resolved) ? textOf(resolved) : '', resolved);
    }
  }

  #walkPair(name: string, pair: Pair<Node, Node | null>): void {
    const key = yaml().isScalar(pair.key) ? textOf(pair.key) : String(pair.key);
    const before = this.#properties.length;
    this.#walk(joinName(name, key), pair.value);
    // A key without a value has no node to point at: it stands where its key stands.
    const added = this.#properties[before];
    if (added !== undefined && added.origin.line === undefined) added.origin = this.#origin(pair.key);
  }

  #walkMerge(name: string, pair: Pair<Node, Node | null>): void {
    for (const merged of yaml().isSeq(pair.value) ? (pair.value.items as Node[]) : [pair.value])
      this.#walk(name, merged);
  }

  #walkList(name: string, items: Node[], list: Node): void {
    const nodes = items.map((item) => (yaml().isAlias(item) ? item.resolve(this.#document) : item));
    if (nodes.every((node) => yaml().isScalar(node))) {
      this.#properties.push({ name, value: nodes.map((node) => textOf(node as Scalar)), origin: this.#origin(list) });
      return;
    }
    nodes.forEach((node, index) => {
      this.#walk(`${name}[${index}]`, (node as Node | undefined) ?? null);
    });
  }

  #add(name: string, value: string, node: Node | null): void {
    this.#properties.push({ name, value, origin: this.#origin(node) });
  }

  #origin(node: Node | null | undefined): Origin {
    const start = node?.range?.[0];
    if (start === undefined) return { source: this.#file, file: this.#file };
    const { line, col } = this.#lines.linePos(start);
    return { source: this.#file, file: this.#file, line, column: col };
  }
}

function isMerge(pair: Pair<Node, Node | null>): boolean {
  return yaml().isScalar(pair.key) && pair.key.value === '<<' && !yaml().isScalar(pair.value);
}

function textOf(scalar: Scalar): string {
  if (scalar.value === null || scalar.value === undefined) return '';
  if (typeof scalar.value === 'string') return scalar.value;
  return scalar.source ?? String(scalar.value);
}

function syntaxFailure(file: string, message: string, line: number): StartupFailure {
  return new StartupFailure(`${file} is not valid yaml.`, {
    details: [
      ['Origin', `${file}:${line}`],
      ['Reason', message.split('\n')[0].replace(/:$/, '')],
    ],
    action: 'Correct the file at that line. Keys are indented with blanks, never with tabs, and stand once in a map.',
  });
}
