// Benches load the built program, which nothing type-checks: what they import of it exists in the source.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const benches = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.mjs'),
);

test.each(benches)('%s imports what exists', (bench) => {
  const path = join(import.meta.dirname, bench);
  const imports = [...readFileSync(path, 'utf8').matchAll(/^import \{([^}]*)\} from '(\.[^']*\/dist\/[^']*)\.js'/gm)];
  for (const [, names = '', target = ''] of imports) {
    const source = join(root, `${relative(join(root, 'dist'), resolve(dirname(path), target))}.ts`);
    expect(existsSync(source), source).toBe(true);
    for (const name of names.split(',').map((text) => text.trim())) {
      expect(readFileSync(source, 'utf8'), `${name} of ${source}`).toMatch(
        new RegExp(`export .*\\b${name}\\b|\\b${name}\\b.*[,}]`),
      );
    }
  }
});
