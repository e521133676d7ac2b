/**
 * What is measured beside others in one run: `npm run bench -- compare broker`. Others may join (`compare <what>`), each in a folder.
 */
const [what = 'broker'] = process.argv.slice(3);
if (what !== 'broker') throw new Error(`nothing to compare is called ${what}; known: broker`);
await import('./broker/run.ts');

export {};
