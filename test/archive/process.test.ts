// The archive process as the supervisor runs it: messages in, messages out, SIGKILL at any time. Without a mount.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ArchiveQuestion, ToArchive } from '../../fs/archive/messages.ts';
import type { FromChild } from '../../fs/child/child.ts';
import { Driver } from '../fs/archive/sqlite-driver.ts';
import { eventually } from '../helpers/eventually.ts';

const entry = resolve(import.meta.dirname, '../../dist/fs/archive/main.js');
const walDatabase = ['pragma journal_mode=wal', 'create table moment (n)', 'insert into moment values (0)'];
let folder: string;
let driver: Driver;
const running: ArchiveProcess[] = [];

class ArchiveProcess {
  readonly child: ChildProcess;
  readonly messages: FromChild[] = [];
  #queries = 0;

  constructor() {
    this.child = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.child.on('message', (message: FromChild) => this.messages.push(message));
    running.push(this);
  }

  tell(message: ToArchive): void {
    this.child.send(message);
  }

  start(): Promise<void> {
    const retention = { everyCommitSeconds: 3600, thinnedSeconds: 3600, budgetBytes: 0 };
    const [dataDir, archiveDir] = [join(folder, 'data'), join(folder, 'archive')];
    this.tell({
      type: 'start',
      options: { dataDir, archiveDir, hasKeptState: false, include: [], exclude: [], retention },
    });
    return eventually(() => expect(this.messages).toContainEqual({ type: 'ready' }));
  }

  ask(args: ArchiveQuestion): Promise<unknown> {
    const id = ++this.#queries;
    this.tell({ type: 'query', id, name: 'archive', args });
    return eventually(() => {
      const answer = this.messages.find((message) => message.type === 'answer' && message.id === id);
      if (answer === undefined || !('value' in answer)) throw new Error('no answer');
      return answer.value;
    });
  }

  async end(signal?: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    if (signal === undefined) this.tell({ type: 'stop' });
    else this.child.kill(signal);
    await ended;
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'archive-process-'));
  mkdirSync(join(folder, 'data'));
  driver = new Driver();
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.end('SIGKILL');
  await driver.kill();
  rmSync(folder, { recursive: true });
});

const settle = { op: 'settle', database: 'app.db' } as const;
/** A loaded machine may need more than the 2 seconds after which an answer has to come. */
const settles = (archive: ArchiveProcess) =>
  eventually(async () => expect(await archive.ask(settle)).toEqual({ ok: true, value: null }));

test('it answers, follows what it is told of, and ends when it is told to or when nobody is there', async () => {
  const first = new ArchiveProcess();
  await first.start();
  await driver.do({ open: join(folder, 'data/app.db'), sql: walDatabase });
  first.tell({ type: 'committed', databases: ['app.db'] });
  await settles(first);
  expect(await first.ask({ op: 'settle', database: 'absent.db' })).toMatchObject({ ok: false, code: 'not-archived' });
  expect(await first.ask({ op: 'status' })).toMatchObject({ ok: true, value: { databases: [{ name: 'app.db' }] } });
  expect(await first.ask({ op: 'history', database: 'app.db', limit: 1 })).toMatchObject({
    ok: true,
    value: { entries: [{ kind: 'commit', pages: 1 }], hasMore: true },
  });
  first.tell({ type: 'query', id: 1000, name: 'alive' });
  await eventually(() => expect(first.messages).toContainEqual({ type: 'answer', id: 1000, value: true }));
  await first.end();
  expect(first.child.exitCode).toBe(0);
  const second = new ArchiveProcess();
  await second.start();
  second.child.disconnect();
  await eventually(() => expect(second.child.exitCode).toBe(0));
});

test('SIGKILL at random moments: nothing is archived twice, nothing is left out', async () => {
  await driver.do({ open: join(folder, 'data/app.db'), sql: [...walDatabase, 'pragma wal_autocheckpoint=0'] });
  let archive = new ArchiveProcess();
  await archive.start();
  await settles(archive);
  for (let round = 0; round < 6; round++) {
    for (let count = 0; count < 20; count++) {
      await driver.do({ transact: [] });
      if (count % 5 === 0) archive.tell({ type: 'committed', databases: ['app.db'] });
    }
    await archive.end('SIGKILL');
    archive = new ArchiveProcess();
    await archive.start();
  }
  await settles(archive);
  expect(archive.messages.filter((message) => message.type === 'log' && message.level !== 'info')).toEqual([]);
  await archive.end();
  const { FolderLogStore } = await import('../../fs/archive/log/log-store.ts');
  const store = new FolderLogStore(join(folder, 'archive'));
  const [only] = store.incarnations;
  expect(store.incarnations).toHaveLength(1);
  const { log } = store.open({ ...(only?.identity ?? { inode: '', device: '' }), name: 'app.db' });
  // Table, row, and 120 transactions.
  expect(log.last?.number).toBe(122);
  store.close();
});
