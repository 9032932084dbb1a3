// Builds the page into dist/server/studio: hashed names, each file of text beside its .br and .gz. The server writes a
// fresh nonce over __CSP_NONCE__ in index.html with every answer.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const outDir = resolve(import.meta.dirname, '../../dist/server/studio');

/** The best quality takes ten times as long for 2 % less. */
const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };

/** index.html changes with every answer, so it is sent as it is. */
const compressed: Plugin = {
  name: 'compressed-siblings',
  apply: 'build',
  closeBundle() {
    const folder = join(outDir, 'assets');
    for (const name of readdirSync(folder).filter((file) => /\.(js|css|svg)$/.test(file))) {
      const path = join(folder, name);
      const bytes = readFileSync(path);
      if (statSync(path).size < 512) continue;
      writeFileSync(`${path}.br`, brotliCompressSync(bytes, quick));
      writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
    }
  },
};

/** In one file: many small ones compress badly. */
const usedByAll =
  /node_modules\/(@preact|preact)\/|studio\/src\/(api\/(client|values)|(environment|key-table|keys|layout|location|routes|session|status|storage|theme|views)\.ts$|ui\/(BackLink|EmptyState|Icon|LiveRegion|Menu|Problem|Toast|lazy|open-dialogs|sizes)\.)/;

/** Every view with rows has the grid, and the preview of an import its cells. */
const shownRows =
  /studio\/src\/(grid\/(CellEditor|CellText|Grid|Head|Row|columns|paged-rows|rows|selection|viewport)\.|ui\/SplitPane|tables\/(access|column-choices|requests|staged|staged-store|table-query)\.)/;

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that the page also works below a path of a reverse proxy.
  base: './',
  publicDir: false,
  logLevel: 'warn',
  html: { cspNonce: '__CSP_NONCE__' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    manifest: true,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash:6].js',
        chunkFileNames: 'assets/[name]-[hash:6].js',
        assetFileNames: 'assets/[name]-[hash:6][extname]',
        codeSplitting: {
          groups: [
            { name: 'base', test: usedByAll },
            { name: 'grid', test: shownRows },
          ],
        },
      },
    },
  },
  plugins: [compressed],
});
