import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { list, parseScript, runScript, type ScriptCommand } from './script.ts';

const update = process.env['UPDATE'];

function write(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'script-')), 'a.txt');
  writeFileSync(path, text);
  return path;
}

describe('text scripts', () => {
  afterEach(() => {
    if (update === undefined) delete process.env['UPDATE'];
    else process.env['UPDATE'] = update;
  });

  it('split a command into name, words, arguments and body', async () => {
    const seen: ScriptCommand[] = [];
    const path = write('# title\n\ndo now a=1 "two words" b="x y" c=\nmore\nlines\n----\nok\n');
    delete process.env['UPDATE'];
    await runScript(path, (command) => {
      seen.push(command);
      return 'ok';
    });
    expect(seen).toMatchObject([
      { name: 'do', words: ['now', 'two words'], args: { a: '1', b: 'x y', c: '' }, body: 'more\nlines', line: 3 },
    ]);
    expect(list(seen[0].args['c'])).toEqual([]);
  });

  it('fail when the answer differs from the file', async () => {
    const path = write('do\n----\nexpected\n');
    delete process.env['UPDATE'];
    await expect(runScript(path, () => 'other')).rejects.toThrow('expected');
  });

  it('show a thrown error as the answer', async () => {
    const path = write('do\n----\nerror: no such thing\n');
    delete process.env['UPDATE'];
    await runScript(path, () => {
      throw new Error('no such thing');
    });
  });

  it('are rewritten in place by UPDATE=1, comments and empty lines of the output kept', async () => {
    const path = write('# title\n\none\n----\nold\n\n# why\ntwo\n----\n\nthree\n----\nsame\n\n# the end\n');
    process.env['UPDATE'] = '1';
    const answers: Record<string, string> = { one: 'new\n\nparagraph', two: '', three: 'same' };
    await runScript(path, (command) => answers[command.name]);
    const text = readFileSync(path, 'utf8');
    expect(text).toBe(
      '# title\n\none\n----\n----\nnew\n\nparagraph\n----\n----\n\n# why\ntwo\n----\n\nthree\n----\nsame\n\n# the end\n',
    );
    delete process.env['UPDATE'];
    await runScript(path, (command) => answers[command.name]);
    expect(parseScript(text).blocks).toHaveLength(3);
  });

  it('refuse a file without a separator below a command', () => {
    expect(() => parseScript('do\nthis\n')).toThrow("line 1: no '----'");
  });
});
