// Weighs the built page: `node server/studio/sizes.mjs` fails where a part is over its budget. A part is what the
// browser must have before it can show a view: the entry, the view, and all that these import. Kilobytes of 1024, after
// gzip.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const built = resolve(import.meta.dirname, '../../dist/server/studio');
const entry = 'index.html';

/** `without`: what is there already is not counted again. */
const parts = [
  { name: 'first page', roots: [entry, 'src/tables/TablesView.tsx'], scriptKb: 40, styleKb: 10 },
  {
    name: 'SQL editor',
    roots: ['src/sql/editor.ts'],
    without: [entry, 'src/sql/SqlView.tsx'],
    scriptKb: 135,
    styleKb: 10,
  },
  {
    name: 'chart',
    roots: ['src/chart/ChartView.tsx'],
    without: [entry, 'src/sql/SqlView.tsx'],
    scriptKb: 25,
    styleKb: 10,
  },
];

function weigh() {
  const manifest = JSON.parse(readFileSync(join(built, '.vite/manifest.json'), 'utf8'));
  return parts.map(({ name, roots, without = [], ...budget }) => {
    const known = reach(manifest, without);
    const files = [...reach(manifest, roots)].filter((file) => !known.has(file));
    const weight = (ending) =>
      files
        .filter((file) => file.endsWith(ending))
        .reduce((sum, file) => sum + gzipSync(readFileSync(join(built, file)), { level: 9 }).length, 0) / 1024;
    return { name, scriptKb: weight('.js'), styleKb: weight('.css'), budget };
  });
}

/** Files that these entries load at once: imports that wait for a click are not among them. */
function reach(manifest, roots) {
  const files = new Set();
  const seen = new Set();
  const visit = (key) => {
    const chunk = manifest[key];
    if (chunk === undefined || seen.has(key)) return;
    seen.add(key);
    files.add(chunk.file);
    for (const style of chunk.css ?? []) files.add(style);
    for (const imported of chunk.imports ?? []) visit(imported);
  };
  for (const root of roots) visit(root);
  return files;
}

let isOver = false;
for (const { name, scriptKb, styleKb, budget } of weigh()) {
  const over = scriptKb > budget.scriptKb || styleKb > budget.styleKb;
  isOver ||= over;
  const text = `script ${scriptKb.toFixed(1)} of ${budget.scriptKb} KB, style ${styleKb.toFixed(1)} of ${budget.styleKb} KB`;
  process.stdout.write(`${over ? 'OVER' : 'ok  '} ${name}: ${text}\n`);
}
process.exit(isOver ? 1 : 0);
