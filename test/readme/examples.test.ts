// Runs the README's own `sh` and `js` blocks, in order, against one daemon on a real mount, and its first steps as an
// ordinary user. Paths and the address are replaced; every line `=> TEXT` promises that the command before it prints
// TEXT. commands.test.ts runs the section "How to leave".
import { chmodSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { programPath, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { run, start } from '../helpers/process.ts';

interface Example {
  readonly language: 'sh' | 'js';
  readonly code: string;
}

const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');
const sections = readme.split(/^## /m);
const firstSteps = 'First steps without root';

function examplesOf(section: string): Example[] {
  return [...section.matchAll(/^```(sh|js)\n(.*?)^```$/gms)].map((match) => ({
    language: match[1] === 'sh' ? 'sh' : 'js',
    code: match[2] ?? '',
  }));
}

const examples = sections
  .filter((section) => ![firstSteps, 'How to leave'].some((title) => section.startsWith(title)))
  .flatMap(examplesOf);

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

test.runIf(process.getuid?.() === 0)('the first steps work as printed, for an ordinary user', async () => {
  const section = sections.find((text) => text.startsWith(firstSteps)) ?? '';
  const flags = /npm start -- (.*)/.exec(section)?.[1]?.split(' ') ?? [];
  expect(flags).toContain('--no-mount');
  await withPaths(async (paths) => {
    chmodSync(paths.folder, 0o777);
    const asNobody = [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      'env',
      '-i',
      'PATH=/usr/local/bin:/usr/bin:/bin',
    ];
    const runDir = `XDG_RUNTIME_DIR=${paths.folder}`;
    const started = start(
      'setpriv',
      [...asNobody, runDir, process.execPath, programPath, 'start', ...flags, '--listen', '127.0.0.1:0'],
      { cwd: paths.folder },
    );
    try {
      const daemon = await whenReady(started, paths);
      for (const { code } of examplesOf(section)) {
        for (const step of steps(code)) {
          const typed = step.code.replaceAll('http://127.0.0.1:8484', daemon.url);
          const done = await run('setpriv', [...asNobody, 'bash', '-euc', typed], { cwd: paths.folder });
          expect(done, step.code).toMatchObject({ code: 0 });
          expect(done.stdout, step.code).toContain(step.promised ?? '');
        }
      }
    } finally {
      started.process.kill('SIGTERM');
      await started.finished;
    }
  });
});
