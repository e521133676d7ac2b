/**
 * Reads the text format of Prometheus 0.0.4 as strictly as its words allow, and no more than we write: HELP and TYPE before the series of
 * a family, families whole and once, names and labels well-formed, no series twice, summaries with quantiles, sum and count.
 */
export interface ReadFamily {
  readonly help: string;
  readonly type: string;
  /** By name and labels as written: `a_total{topic="x"}`. */
  readonly series: Map<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;

/** @throws Error that names the line */
export function readExposition(text: string): Map<string, ReadFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, ReadFamily>();
  let current: { name: string; family: ReadFamily } | undefined;
  let help: { name: string; text: string } | undefined;
  for (const [index, line] of text.slice(0, -1).split('\n').entries()) {
    const fail = (why: string): never => {
      throw new Error(`line ${index + 1}: ${why}: ${line}`);
    };
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment?.[1] === 'HELP') {
      if (!NAME.test(comment[2])) fail('bad name');
      if (families.has(comment[2])) fail('a family stands twice');
      help = { name: comment[2], text: comment[3] };
    } else if (comment?.[1] === 'TYPE') {
      if (help?.name !== comment[2]) return fail('TYPE without its HELP before');
      if (!['counter', 'gauge', 'summary'].includes(comment[3])) fail('unknown type');
      current = { name: comment[2], family: { help: help.text, type: comment[3], series: new Map() } };
      families.set(current.name, current.family);
    } else {
      const sample = SAMPLE.exec(line);
      if (sample === null || current === undefined) return fail('no sample, or before its TYPE');
      readSample(current, sample, fail);
    }
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function readSample(
  { name, family }: { name: string; family: ReadFamily },
  [, sampleName, labelText = '', value]: RegExpExecArray,
  fail: (why: string) => never,
): void {
  const suffix = sampleName.slice(name.length);
  if (!sampleName.startsWith(name)) fail(`not of the family ${name}`);
  if (!(family.type === 'summary' ? ['', '_sum', '_count'] : ['']).includes(suffix)) fail('unknown suffix');
  if (family.type === 'counter' && !name.endsWith('_total')) fail('a counter is named _total');
  if (!NUMBER.test(value)) fail('no number');
  const seen = new Set<string>();
  for (let rest = labelText; rest !== ''; ) {
    const [whole, label] = LABEL.exec(rest) ?? fail('bad labels');
    if (seen.has(label)) fail('bad labels: one stands twice');
    seen.add(label);
    rest = rest.slice(whole.length);
  }
  if ((family.type === 'summary' && suffix === '') !== seen.has('quantile')) fail('quantile');
  const series = labelText === '' ? sampleName : `${sampleName}{${labelText}}`;
  if (family.series.has(series)) fail('a series stands twice');
  family.series.set(series, Number(value.replace('Inf', 'Infinity')));
}

function checkFamily(name: string, { type, series }: ReadFamily): void {
  if (series.size === 0) throw new Error(`${name} has no series`);
  if (type === 'counter') {
    for (const [text, value] of series) if (!(value >= 0)) throw new Error(`${text} is ${value}`);
  }
  if (type !== 'summary') return;
  const count = (suffix: string) =>
    [...series.keys()].filter((text) => text.split('{')[0] === `${name}${suffix}`).length;
  if (count('_sum') !== count('_count') || count('') === 0) throw new Error(`${name} is no whole summary`);
}
