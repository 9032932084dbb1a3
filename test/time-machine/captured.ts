// A database with a rollback journal on the mount of a daemon that archives it, and what its history must be.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ArchiveStatus, HistoryEntry } from '../../fs/archive/messages.ts';
import type { Daemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { Archived } from './archived.ts';

export function sqlOn(path: string, text: string): string {
  const { stdout, stderr } = spawnSync('sqlite3', ['-cmd', '.timeout 60000', path, text], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim();
}

/** Of the schema and all rows. */
const digest = '.sha3sum --schema';

export interface Captured {
  readonly path: string;
  sql(text: string): string;
  history(): Promise<HistoryEntry[]>;
  /** Reasons of gaps. */
  gaps(): Promise<(string | undefined)[]>;
  /** States before the first base of a history cannot be had. */
  hasBegun(): Promise<void>;
  /** The newest archived state is what the database holds. */
  expectNewest(): Promise<void>;
}

export function startedOn(daemon: Daemon, name: string): Captured {
  const path = join(daemon.mount, name);
  const ask = async <Value>(question: (archived: Archived) => Promise<Value>): Promise<Value> => {
    const archived = await Archived.of(daemon);
    try {
      return await question(archived);
    } finally {
      archived.close();
    }
  };
  const history = () => ask((archived) => archived.history(name));
  const status = async () => {
    const { databases } = await ask((archived) => archived.ask<ArchiveStatus>({ op: 'status' }));
    return databases.find((found) => found.name === name);
  };
  return {
    path,
    sql: (text) => sqlOn(path, text),
    history,
    gaps: async () => (await history()).filter(({ kind }) => kind === 'resync').map(({ reason }) => reason),
    hasBegun: async () => {
      const isCurrent = async () => expect((await status())?.state).toBe('current');
      await eventually(isCurrent, { timeoutMs: 60_000 });
    },
    expectNewest: async () => {
      const newest = (await history()).at(-1)?.bookmark ?? '';
      await ask(async (archived) => {
        const state = await archived.stateAt(name, newest);
        expect([sqlOn(state, 'pragma integrity_check'), sqlOn(state, digest)]).toEqual(['ok', sqlOn(path, digest)]);
        rmSync(state, { force: true });
      });
    },
  };
}
