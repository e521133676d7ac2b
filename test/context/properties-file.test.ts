import { expect, test } from '@jest/globals';
import { parseProperties } from '#context';
import { load } from './scene.ts';

function entries(text: string): [string, string, number][] {
  return parseProperties(text).map(({ key, value, line }) => [key, value, line]);
}

test('keys are parted from values by =, : or blanks, and blanks around them do not count', () => {
  expect(entries('a=1\n b : 2\nc 3\nd\ne==x\nf = y ')).toEqual([
    ['a', '1', 1],
    ['b', '2', 2],
    ['c', '3', 3],
    ['d', '', 4],
    ['e', '=x', 5],
    ['f', 'y ', 6],
  ]);
});

test('comments and empty lines are passed over, also with windows line ends', () => {
  expect(entries('# x=1\r\n  ! y\r\n\r\nz=1')).toEqual([['z', '1', 4]]);
});

test('a backslash at the end joins the next line without its leading blanks; two backslashes are one', () => {
  expect(entries('hosts=a,\\\n   b,\\\n   c\npath=C:\\\\\nnext=1')).toEqual([
    ['hosts', 'a,b,c', 1],
    ['path', 'C:\\', 4],
    ['next', '1', 5],
  ]);
});

test('escapes stand for what they name', () => {
  expect(entries('a\\=b\\:c\\ d=\\u00e9\\t\\n\\q\\\\')).toEqual([['a=b:c d', 'é\t\nq\\', 1]]);
});

test('application.properties beats application.yaml, and its documents may belong to profiles', () => {
  const files = {
    'application.yaml': 'a: yaml\nb: yaml',
    'application.properties': 'a=properties\n#---\nspring.config.activate.on-profile=dev\nb=dev\nl[0]=x\nl[1]=y',
  };
  expect(load(files).getProperty('a')).toBe('properties');
  expect(load(files).getProperty('b')).toBe('yaml');
  const dev = load(files, { args: ['--spring.profiles.active=dev'] });
  expect(dev.getProperty('b')).toBe('dev');
  expect(dev.originText('b')).toBe('application.properties:4');
  expect(dev.getList('l')).toEqual(['x', 'y']);
});
