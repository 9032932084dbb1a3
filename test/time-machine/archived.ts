// A daemon that archives, asked as its commands ask it, and a judge of the states that it gives back.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { CommandInput } from '../../daemon/cli/command.ts';
import { connectToAll, type DaemonConnection } from '../../daemon/control/client.ts';
import type { ArchiveAnswer, ArchiveQuestion, HistoryAnswer, HistoryEntry } from '../../fs/archive/messages.ts';
import type { Daemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';

const clients = resolve(import.meta.dirname, 'clients');
export const certifiedWriter = join(clients, 'certified-writer.py');

/** What the judge says of a database file. */
export interface Verdict {
  /** What integrity_check says. */
  readonly whole: string;
  /** Of the last certified commit; null before the first. */
  readonly number: number | null;
  /** Who made that commit. */
  readonly pid: number | null;
  /** The content has the digest that this commit has stored. */
  readonly isCertified: boolean;
}

export class Archived {
  readonly #connection: DaemonConnection;
  readonly #folder: string;

  private constructor(connection: DaemonConnection, folder: string) {
    this.#connection = connection;
    this.#folder = folder;
  }

  static async of({ runDir, stateDir, pid }: Daemon): Promise<Archived> {
    const settings = { runDir } as CommandInput['settings'];
    const [connection] = await connectToAll({ settings, named: new Set() }, pid);
    if (connection === undefined) throw new Error(`no daemon with pid ${pid} runs`);
    // Where the daemon lets the archive process make files.
    const folder = join(stateDir, 'past', `${process.pid}`);
    mkdirSync(folder, { recursive: true });
    return new Archived(connection, folder);
  }

  close(): void {
    this.#connection.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** @throws Error with the code and the message of an answer that is a refusal */
  async ask<Value>(question: ArchiveQuestion): Promise<Value> {
    const answer = (await this.#connection.ask('archive', question)) as ArchiveAnswer<Value>;
    if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}`);
    return answer.value;
  }

  /** All commits whose state can be had, oldest first. */
  async history(database: string): Promise<HistoryEntry[]> {
    // An archive process that was killed a moment ago may need one more.
    await eventually(() => this.ask({ op: 'settle', database }), { timeoutMs: 60_000, intervalMs: 200 });
    const entries: HistoryEntry[] = [];
    for (let before: string | undefined; ; ) {
      const page: HistoryAnswer = await this.ask({
        op: 'history',
        database,
        limit: 1000,
        ...(before === undefined ? {} : { before }),
      });
      entries.push(...page.entries);
      before = page.entries.at(-1)?.bookmark;
      if (page.hasMore) continue;
      const oldest = page.oldest?.bookmark ?? '';
      return entries.reverse().filter(({ bookmark }) => bookmark >= oldest);
    }
  }

  /** The path of a database file with that state; the caller removes it. */
  async stateAt(database: string, bookmark: string): Promise<string> {
    const path = join(this.#folder, `${bookmark}.db`);
    await this.ask({ op: 'materialise', database, at: { bookmark }, path });
    return path;
  }

  /** Judges the state at each of the bookmarks, in their order. */
  async judge(database: string, bookmarks: readonly string[]): Promise<Verdict[]> {
    const judge = spawn('python3', [join(clients, 'judge.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: judge.stdout })[Symbol.asyncIterator]();
    const verdicts: Verdict[] = [];
    try {
      for (const bookmark of bookmarks) {
        const path = await this.stateAt(database, bookmark);
        judge.stdin.write(`${path}\n`);
        verdicts.push(JSON.parse((await lines.next()).value as string) as Verdict);
        rmSync(path);
      }
    } finally {
      judge.kill();
    }
    return verdicts;
  }
}
