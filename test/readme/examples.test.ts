// Runs the README's own `sh` and `js` blocks, in order, against one daemon on a real mount. Paths and the address are
// replaced; every line `=> TEXT` promises that the command before it prints TEXT.
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { run } from '../helpers/process.ts';

interface Example {
  readonly language: 'sh' | 'js';
  readonly code: string;
}

const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');
const examples: Example[] = [...readme.matchAll(/^```(sh|js)\n(.*?)^```$/gms)].map((match) => ({
  language: match[1] === 'sh' ? 'sh' : 'js',
  code: match[2] ?? '',
}));

/** Parts of a block that end with a promise, or with the block. */
function steps(code: string): { code: string; promised: string | undefined }[] {
  const parts = code.split(/^(?:#|\/\/) => (.*)\n/m);
  return parts.flatMap((part, index) =>
    index % 2 === 0 && part.trim() !== '' ? [{ code: part, promised: parts[index + 1] }] : [],
  );
}

test('every example of the README works as printed', async () => {
  expect(examples.length).toBeGreaterThan(5);
  await withDaemon(['--allow-any-absolute-db-path', '--create-on-write'], async (daemon) => {
    const data = join(daemon.folder, 'elsewhere');
    await mkdir(data);
    const adapted = (code: string) =>
      code
        .replaceAll('http://127.0.0.1:8484', daemon.url)
        .replaceAll('/hoody/databases', daemon.root)
        .replaceAll('db=/data/', `db=${data}/`);
    for (const { language, code } of examples) {
      // A js block is one program: its steps share their constants.
      const runnable = language === 'sh' ? steps(code) : [{ code, promised: /^\/\/ => (.*)$/m.exec(code)?.[1] }];
      for (const step of runnable) {
        const done =
          language === 'sh'
            ? await run('bash', ['-euc', adapted(step.code)])
            : await run(process.execPath, ['--input-type=module'], {
                stdin: `const print = (value) => console.log(JSON.stringify(value));\n${adapted(step.code)}`,
              });
        expect(done, step.code).toMatchObject({ code: 0 });
        expect(done.stdout, step.code).not.toContain('"error"');
        expect(done.stdout, step.code).toContain(step.promised ?? '');
      }
    }
  });
});
