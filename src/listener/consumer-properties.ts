/** The `properties` attribute: an object, or lines as in a properties file (`k=v`, `k: v`, `k v`). Pure. */

/** @throws Error when a line has no value, or sets what has an attribute of its own. */
export function parseProperties(
  given: Readonly<Record<string, unknown>> | string | readonly string[] | undefined,
  resolve: (text: string) => string,
): Record<string, unknown> {
  if (given === undefined) return {};
  const entries = typeof given === 'string' || isList(given) ? linesOf(given, resolve) : Object.entries(given);
  const properties: Record<string, unknown> = {};
  for (const [key, value] of entries) {
    if (key === 'group.id') throw new Error('group.id: use the attribute groupId');
    if (key === 'client.id') throw new Error('client.id: use the attribute clientIdPrefix');
    properties[key] = typeof value === 'string' ? resolve(value) : value;
  }
  return properties;
}

function linesOf(given: string | readonly string[], resolve: (text: string) => string): [string, string][] {
  const lines = (typeof given === 'string' ? [given] : given).flatMap((text) => resolve(text).split('\n'));
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[#!]/.test(line))
    .map(pairOf);
}

function pairOf(line: string): [string, string] {
  const match = /^([^\s=:]+)(?:\s*[=:]\s*|\s+)(.*)$/.exec(line);
  if (match === null) throw new Error(`'${line}' is no line of the form key=value`);
  return [match[1], match[2]];
}

function isList(given: object): given is readonly string[] {
  return Array.isArray(given);
}
