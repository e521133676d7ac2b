/**
 * `${key}` and `${key:default}` inside texts, nested as deep as one likes: `${a:${b:c}}`, `${topic-${env}}`. `\${` stands for itself.
 * Pure: the look-up is handed in.
 */

export type PlaceholderProblem = { key: string; kind: 'missing' } | { key: string; kind: 'circular'; path: string[] };

export class UnresolvedPlaceholder extends Error {
  override readonly name = 'UnresolvedPlaceholder';
  readonly problem: PlaceholderProblem;
  readonly text: string;

  constructor(problem: PlaceholderProblem, text: string) {
    const why =
      problem.kind === 'missing' ? 'has no value and no default' : `refers to itself: ${problem.path.join(' → ')}`;
    super(`placeholder '${problem.key}' in '${text}' ${why}`);
    this.problem = problem;
    this.text = text;
  }
}

/**
 * @param lookup the raw value of a key (may hold placeholders itself), or undefined.
 * @throws UnresolvedPlaceholder when a key has neither value nor default, or refers to itself.
 */
export function resolvePlaceholders(
  text: string,
  lookup: (key: string) => string | undefined,
  path: string[] = [],
): string {
  let result = '';
  let position = 0;
  for (;;) {
    const start = text.indexOf('${', position);
    if (start < 0) return result + text.slice(position);
    if (text[start - 1] === '\\' && start > position) {
      result += `${text.slice(position, start - 1)}\${`;
      position = start + 2;
      continue;
    }
    const end = closingBrace(text, start + 2);
    if (end < 0) return result + text.slice(position);
    result += text.slice(position, start) + resolveOne(text.slice(start + 2, end), text, lookup, path);
    position = end + 1;
  }
}

function resolveOne(
  content: string,
  text: string,
  lookup: (key: string) => string | undefined,
  path: string[],
): string {
  const colon = topLevelColon(content);
  const key = resolvePlaceholders(colon < 0 ? content : content.slice(0, colon), lookup, path).trim();
  if (path.includes(key)) throw new UnresolvedPlaceholder({ key, kind: 'circular', path: [...path, key] }, text);
  const value = lookup(key);
  if (value !== undefined) return resolvePlaceholders(value, lookup, [...path, key]);
  if (colon >= 0) return resolvePlaceholders(content.slice(colon + 1), lookup, path);
  throw new UnresolvedPlaceholder({ key, kind: 'missing' }, text);
}

function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    if (text.startsWith('${', i)) depth++;
    else if (text[i] === '}' && --depth === 0) return i;
  }
  return -1;
}

function topLevelColon(content: string): number {
  let depth = 0;
  for (let i = 0; i < content.length; i++) {
    if (content.startsWith('${', i)) depth++;
    else if (content[i] === '}') depth--;
    else if (content[i] === ':' && depth === 0) return i;
  }
  return -1;
}
