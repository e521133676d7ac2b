/**
 * Java's `.properties` format: `key=value`, `key:value` or `key value`; `#` and `!` begin comments; a backslash at the end of a line
 * joins the next one; `\t \n \r \f \uXXXX` and an escaped separator stand for themselves. Read as UTF-8, as newer Java does. Pure.
 *
 * Documents of `application.properties` are parted by a line `#---` or `!---`.
 */

export type PropertiesEntry = {
  key: string;
  value: string;
  /** Line on which the entry begins, from 1. */
  line: number;
};

/** All entries in order; of a repeated key the later counts, which is the reader's business. */
export function parseProperties(text: string): PropertiesEntry[] {
  return logicalLines(text).map(({ content, line }) => ({ ...splitEntry(content), line }));
}

/** The entries per document, for files that hold several. */
export function parsePropertiesDocuments(text: string): PropertiesEntry[][] {
  const documents: PropertiesEntry[][] = [[]];
  const separators = text.split(/\r\n|\r|\n/).flatMap((line, index) => (/^[#!]---\s*$/.test(line) ? [index + 1] : []));
  for (const entry of parseProperties(text)) {
    const index = separators.filter((line) => line < entry.line).length;
    while (documents.length <= index) documents.push([]);
    documents[index].push(entry);
  }
  return documents;
}

function logicalLines(text: string): { content: string; line: number }[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const result: { content: string; line: number }[] = [];
  for (let index = 0; index < lines.length; index++) {
    let content = lines[index].replace(/^[ \t\f]+/, '');
    if (content === '' || content[0] === '#' || content[0] === '!') continue;
    const line = index + 1;
    while (isContinued(content) && index + 1 < lines.length) {
      content = content.slice(0, -1) + lines[++index].replace(/^[ \t\f]+/, '');
    }
    result.push({ content: isContinued(content) ? content.slice(0, -1) : content, line });
  }
  return result;
}

/** An odd number of backslashes at the end: the last one is not escaped itself. */
function isContinued(content: string): boolean {
  return (/\\*$/.exec(content)?.[0].length ?? 0) % 2 === 1;
}

function splitEntry(content: string): { key: string; value: string } {
  const match = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*(?:[=:][ \t\f]*)?/s.exec(content)!;
  return { key: unescaped(match[1]), value: unescaped(content.slice(match[0].length)) };
}

const ESCAPES: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.)|$)/gs, (_, hex?: string, character?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return character === undefined ? '' : (ESCAPES[character] ?? character);
  });
}
