// A stand-in for the archive process, which tells what it is given: for what becomes of that process beside a daemon.
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import type { CommandInput } from '../../daemon/cli/command.ts';
import { connectToAll } from '../../daemon/control/client.ts';
import { type Daemon, type DaemonPaths, withDaemon, withPaths } from './daemon.ts';

const checkout = resolve(import.meta.dirname, '../..');

/**
 * Answers each question with what it was given and told. It writes down whether the mount is there when it ends, and
 * goes silent, or refuses to start, while a file in its folder says so.
 */
const standIn = `
import { appendFileSync, existsSync, fstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
const told = [];
let options;
const has = (name) => existsSync(join(options.archiveDir, '..', name));
process.on('disconnect', () => process.exit());
process.on('message', (m) => {
  if (m.type === 'start') {
    options = m.options;
    if (has('refuse')) return process.send({ type: 'failed', code: 'EROFS', message: 'no room', hint: 'make some' });
    mkdirSync(options.archiveDir, { recursive: true });
    process.send({ type: 'ready' });
  }
  if (m.type === 'committed') told.push(...m.databases);
  if (m.type === 'stop') {
    const isMounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(join(options.dataDir, '../mount'));
    appendFileSync(join(options.archiveDir, 'stops'), isMounted ? 'mounted\\n' : 'unmounted\\n');
    process.exit(0);
  }
  if (m.type !== 'query' || has('silent')) return;
  const memory = options.hasKeptState ? fstatSync(3).ino : null;
  const figures = { databases: [], bytes: 5, budgetBytes: 7 };
  process.send({ type: 'answer', id: m.id, value: { ok: true, value: { ...figures, question: m.args, options, told, memory } } });
});`;

/** A daemon whose archive process is the stand-in. `isAskedFor` false: no flag says that commits are to be kept. */
export async function withStandIn(
  flags: readonly string[],
  test: (daemon: Daemon, paths: DaemonPaths) => Promise<void>,
  isAskedFor = true,
) {
  await withPaths(async (paths) => {
    const folder = join(paths.folder, 'program');
    cpSync(join(checkout, 'dist'), join(folder, 'dist'), { recursive: true });
    cpSync(join(checkout, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'dist/fs/archive/main.js'), standIn);
    const program = join(folder, 'dist/daemon/main.js');
    await withDaemon([...(isAskedFor ? ['--archive', 'wal'] : []), ...flags], (daemon) => test(daemon, paths), {
      paths,
      program,
    });
  });
}

/** What the stand-in answers. */
export interface Told {
  readonly question: unknown;
  readonly options: Readonly<Record<string, unknown>>;
  readonly told: readonly string[];
  readonly memory: number | null;
}

export async function ask({ runDir, pid }: Daemon, question: object): Promise<unknown> {
  const settings = { runDir } as CommandInput['settings'];
  const [connection] = await connectToAll({ settings, named: new Set() }, pid);
  try {
    return await connection?.ask('archive', question);
  } finally {
    connection?.close();
  }
}

export async function told(daemon: Daemon): Promise<Told> {
  const answer = (await ask(daemon, { op: 'status' })) as { readonly value: Told };
  expect(answer).toMatchObject({ ok: true });
  return answer.value;
}
