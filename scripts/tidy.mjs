// Prints how long our files and functions are: a mirror, not a gate (the gate is test/tidy.test.ts).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const isMessageTable = (path) => path.includes('protocol/messages') || path.includes('protocol/stored');
const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !isMessageTable(name.replaceAll('\\', '/')))
  .map((name) => ({ name, lines: readFileSync(join('src', name), 'utf8').split('\n') }));

const fileLengths = files.map((file) => file.lines.length).sort(ascending);
const functions = files.flatMap((file) => functionLengths(file));
const functionSizes = functions.map((entry) => entry.length).sort(ascending);

console.log(`files      ${row(fileLengths)}   habits: median ≤ 150, nine of ten ≤ 450, none > 800`);
console.log(`functions  ${row(functionSizes)}   habits: median ≤ 10, nine of ten ≤ 35`);
console.log('longest files:');
for (const file of [...files].sort((a, b) => b.lines.length - a.lines.length).slice(0, 8))
  console.log(`  ${file.lines.length}  src/${file.name}`);
console.log('longest functions:');
for (const entry of functions.sort((a, b) => b.length - a.length).slice(0, 8))
  console.log(`  ${entry.length}  ${entry.name}`);

function row(sorted) {
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return `${sorted.length} in all, median ${at(0.5)}, nine of ten ${at(0.9)}, longest ${at(1)}`;
}

/** A function or method begins on a line that ends in `{` at an indent of 0 or 2, and ends on `}` at the same indent. */
function functionLengths({ name, lines }) {
  const found = [];
  lines.forEach((line, start) => {
    const match =
      /^( {0,2})(?:export |default |async |static |private |protected |override |function |get |set |\*)*([\w#]+)?(?:<.*>)?\(.*\{$/.exec(
        line,
      );
    if (!match || /^\s*(?:if|for|while|switch|catch|return)\b/.test(line)) return;
    const end = lines.findIndex((other, index) => index > start && other.startsWith(`${match[1]}}`));
    if (end > start) found.push({ name: `src/${name}:${start + 1} ${match[2] ?? ''}`, length: end - start + 1 });
  });
  return found;
}

function ascending(a, b) {
  return a - b;
}
