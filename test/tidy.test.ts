/**
 * The gate that keeps the house in order: the import table, purity, and who may touch time, files and packages.
 * Sizes of files and functions are a mirror, not a gate: `npm run tidy` prints them.
 */
import { posix } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { circlesIn } from './tidy/circles.ts';
import { parseSource, readSources, type Source } from './tidy/source.ts';
import { PACKAGE_OWNERS, REAL_TIME_FILES, ROOMS } from './tidy/table.ts';

const IMPURE = /\basync\b|\bawait\b|\bnew Promise\b|\bprocess\./;
const REAL_TIME =
  /\bDate\.now\(|\bnew Date\(\)|\bperformance\.|\bMath\.random\(|\bset(?:Timeout|Interval|Immediate)\(|\bqueueMicrotask\(|\bprocess\.(?:nextTick|hrtime)/;

const sources = readSources('src');

describe('the import table', () => {
  test('every folder of src is a room with a row and a door', () => {
    const rooms = new Set(sources.map((source) => source.room));
    expect([...rooms].filter((room) => !(room in ROOMS))).toEqual([]);
    expect([...rooms].filter((room) => !sources.some((source) => source.path === `src/${room}/index.ts`))).toEqual([]);
  });

  test('a room imports only the doors and packages of its row, and never reaches past a door', () => {
    expect(sources.flatMap(importViolations)).toEqual([]);
  });

  test('a forbidden import is seen', () => {
    const violations = (path: string, text: string) => importViolations(parseSource(path, text));
    expect(violations('src/serde/a.ts', "import { x } from '#storage';")).toHaveLength(1);
    expect(violations('src/serde/a.ts', "export * from '../core/assert.ts';")).toHaveLength(1);
    expect(violations('src/serde/a.ts', "import fs from 'node:fs';")).toHaveLength(1);
    expect(violations('src/storage/log.ts', "const fs = await import('node:fs');")).toHaveLength(1);
    expect(violations('src/serde/a.ts', "import { x } from '#core';")).toEqual([]);
  });
});

describe('the files of a room', () => {
  test('import each other in no circle', () => {
    expect(circlesIn(sources)).toEqual([]);
  });

  test('a circle is seen', () => {
    const files = { a: './b.ts', b: './c/d.ts', 'c/d': '../b.ts', e: './a.ts' };
    const found = circlesIn(
      Object.entries(files).map(([name, other]) =>
        parseSource(`src/net/${name}.ts`, `import type { X } from '${other}';`),
      ),
    );
    expect(found).toEqual(['src/net/b.ts → src/net/c/d.ts → src/net/b.ts']);
  });
});

describe('purity', () => {
  test('pure rooms, folders and files marked ◇ hold no asynchronous code, process, clock or chance', () => {
    const violations = sources
      .filter(isPure)
      .filter((source) => IMPURE.test(source.code) || REAL_TIME.test(source.code));
    expect(
      violations.map((source) => `${source.path}: ${(IMPURE.exec(source.code) ?? REAL_TIME.exec(source.code))?.[0]}`),
    ).toEqual([]);
  });

  test('pure files import no Node module', () => {
    const violations = sources
      .filter(isPure)
      .filter((source) => source.imports.some((name) => name.startsWith('node:')));
    expect(violations.map((source) => source.path)).toEqual([]);
  });

  test('real time and chance enter through core/clock and core/random alone', () => {
    const violations = sources.filter(
      (source) => !REAL_TIME_FILES.includes(source.path) && REAL_TIME.test(source.code),
    );
    expect(violations.map((source) => `${source.path}: ${REAL_TIME.exec(source.code)?.[0]}`)).toEqual([]);
  });

  test('an impure line is seen', () => {
    expect(IMPURE.test(parseSource('src/serde/a.ts', 'async function f() {}').code)).toBe(true);
    expect(IMPURE.test(parseSource('src/serde/a.ts', '// async is not code\nconst s = "await";').code)).toBe(false);
    expect(REAL_TIME.test(parseSource('src/net/a.ts', 'const t = Date.now();').code)).toBe(true);
  });
});

describe('words that must not stay', () => {
  test('no test is focused, and none is skipped', () => {
    const focused = /\b(?:it|test|describe)\.(?:only|skip|todo)\b|\bx(?:it|test|describe)\(/;
    const violations = [...readSources('test'), ...readSources('samples')].filter((source) =>
      focused.test(source.code),
    );
    expect(violations.map((source) => source.path)).toEqual([]);
  });

  test('decorator syntax, enums and namespaces stay out of src', () => {
    const syntax = /^\s*@[A-Z]\w*\(|^\s*(?:export\s+)?(?:const\s+)?enum\s|^\s*(?:export\s+)?namespace\s/m;
    expect(sources.filter((source) => syntax.test(source.code)).map((source) => source.path)).toEqual([]);
  });
});

function isPure(source: Source): boolean {
  const room = ROOMS[source.room];
  const folder = source.path.split('/')[2];
  return room.isPure === true || room.pure?.includes(folder) === true || source.opening.includes('◇');
}

function importViolations(source: Source): string[] {
  return source.imports.filter((name) => !isAllowed(source, name)).map((name) => `${source.path} imports ${name}`);
}

function isAllowed(source: Source, name: string): boolean {
  const room = ROOMS[source.room];
  if (name.startsWith('#')) return room.rooms.includes(name.slice(1));
  if (name.startsWith('.')) return posix.join(posix.dirname(source.path), name).startsWith(`src/${source.room}/`);
  const owners = PACKAGE_OWNERS[name];
  if (owners !== undefined && !owners.some((owner) => source.path.startsWith(owner))) return false;
  return room.packages?.includes(name) === true;
}
