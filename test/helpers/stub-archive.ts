// An archive of whole copies: what the archive process answers, made from a database that is copied when it is told to.
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { ArchiveAnswer, ArchiveQuestion, Moment } from '../../server/index.ts';
import type { At, ChangedTablesAnswer } from '../../server/messages/time-machine.ts';

interface State {
  readonly moment: Moment;
  readonly image: Buffer;
  readonly writer: { readonly pid: number; readonly command: string; readonly container: string };
  rewoundTo?: string;
}

const bookmarkOf = (number: number) => `00000001-${number.toString(16).padStart(12, '0')}`;

export class StubArchive {
  readonly name: string;
  readonly questions: ArchiveQuestion[] = [];
  readonly #root: () => string;
  readonly #states: State[] = [];
  #rewind: { from: string; to: string } | null = null;

  constructor(root: () => string, name = 'app.db') {
    this.#root = root;
    this.name = name;
  }

  /** Copies the database as it is, if it differs. `timeMs`: of the commit. */
  record(timeMs = Date.now(), command = '/usr/bin/python3 /srv/job.py --password secret'): Moment {
    const database = new Database(join(this.#root(), this.name), { timeout: 10_000 });
    const image = database.serialize();
    const pageBytes = database.pragma('page_size', { simple: true }) as number;
    database.close();
    const last = this.#states.at(-1);
    if (last?.image.equals(image)) return last.moment;
    const number = this.#states.length + 1;
    const bookmark = bookmarkOf(number);
    const moment = { bookmark, number, timeMs, databasePages: image.length / pageBytes, pageBytes };
    this.#states.push({ moment, image, writer: { pid: 42, command, container: 'host' } });
    return moment;
  }

  readonly answer = async (question: ArchiveQuestion): Promise<ArchiveAnswer<unknown>> => {
    this.questions.push(question);
    if ('database' in question && question.database !== this.name) {
      return { ok: false, code: 'not-archived', message: 'it is not archived' };
    }
    try {
      return { ok: true, value: this.#value(question) };
    } catch (error) {
      if (error instanceof Refusal) return { ok: false, code: error.code, message: error.message };
      throw error;
    }
  };

  #value(question: ArchiveQuestion): unknown {
    switch (question.op) {
      case 'settle':
        this.record();
        return null;
      case 'resolve':
        return this.#at(question.at).moment;
      case 'materialise': {
        const { moment, image } = this.#at(question.at);
        writeFileSync(question.path, image, { flag: 'wx' });
        return { moment, bytes: image.length };
      }
      case 'parts': {
        const { moment, image } = this.#at(question.at);
        writeFileSync(question.base, image, { flag: 'wx' });
        const { size, mtimeNs } = statSync(question.base, { bigint: true });
        return { moment, pages: 0, stamp: { bytes: Number(size), modifiedNs: String(mtimeNs) } };
      }
      case 'patch':
        return this.#patch(this.#at(question.at), question.path);
      case 'changed-tables':
        return changedTables(this.#at(question.from), this.#at(question.to));
      case 'mark-rewind':
        this.#rewind = question;
        (this.#states[this.#bookmark(question.from).moment.number] as State).rewoundTo = question.to;
        return null;
      case 'last-rewind': {
        if (this.#rewind === null) return null;
        const [from, to] = [this.#bookmark(this.#rewind.from).moment, this.#bookmark(this.#rewind.to).moment];
        return { from, to, rewind: this.#states[from.number]?.moment };
      }
      case 'history': {
        const all = this.#states.filter(
          ({ moment }) => question.before === undefined || moment.bookmark < question.before,
        );
        const entries = all
          .toReversed()
          .slice(0, question.limit)
          .map(({ moment, writer, rewoundTo }) => ({
            ...moment,
            kind: 'commit',
            writer,
            pages: 1,
            ...(question.withTables ? { tables: ['t'] } : {}),
            ...(rewoundTo === undefined ? {} : { rewoundTo }),
          }));
        return { entries, hasMore: all.length > entries.length, oldest: this.#states[0]?.moment ?? null };
      }
      case 'status':
        return {
          databases: [
            {
              name: this.name,
              state: 'current',
              commits: this.#states.length,
              oldestMs: 1,
              newestMs: 2,
              bytes: 3,
              lagBytes: 0,
              gaps: 0,
            },
          ],
          bytes: 3,
          budgetBytes: 4,
        };
      default:
        throw new Refusal('not-archived', 'the stub cannot do it');
    }
  }

  #patch({ moment, image }: Images, path: string): unknown {
    const head = this.#at({ head: true });
    const pages = pagesApart({ moment, image }, head);
    const parts = pages.flatMap((page) => {
      const number = Buffer.alloc(4);
      number.writeUInt32LE(page);
      return [number, image.subarray((page - 1) * moment.pageBytes, page * moment.pageBytes)];
    });
    writeFileSync(path, Buffer.concat(parts), { flag: 'wx' });
    return { moment, head: head.moment, pages: pages.length };
  }

  #at(at: At): State {
    if ('head' in at) return this.#states.at(-1) as State;
    if ('bookmark' in at) return this.#bookmark(at.bookmark);
    const found = this.#states.findLast(({ moment }) =>
      'number' in at ? moment.number === at.number : moment.timeMs <= at.timeMs,
    );
    if (found === undefined) throw new Refusal('too-old', 'the oldest state that is kept is younger');
    return found;
  }

  #bookmark(bookmark: string): State {
    const found = this.#states.find(({ moment }) => moment.bookmark === bookmark);
    if (found === undefined) throw new Refusal('unknown-bookmark', 'there is no such bookmark');
    return found;
  }
}

type Images = Pick<State, 'moment' | 'image'>;

/** Of the first one, by number. */
function pagesApart({ moment, image }: Images, other: Images): number[] {
  const of = (from: Buffer, page: number) => from.subarray((page - 1) * moment.pageBytes, page * moment.pageBytes);
  const all = Array.from({ length: moment.databasePages }, (_, index) => index + 1);
  return all.filter((page) => !of(image, page).equals(of(other.image, page)));
}

/** All tables may differ, and whole states are compared. */
function changedTables(from: State, to: State): ChangedTablesAnswer {
  const tables = [from, to].flatMap(({ image }) => {
    const copy = Buffer.from(image).fill(1, 18, 20); // as it is without a write-ahead log
    const database = new Database(copy);
    try {
      return database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all() as string[];
    } finally {
      database.close();
    }
  });
  const [gone, come] = [pagesApart(from, to), pagesApart(to, from)];
  const pages = new Set([...gone, ...come]).size;
  return { from: from.moment, to: to.moment, tables, pages, pagesOfFrom: gone.length, hasExcerpts: false };
}

class Refusal extends Error {
  readonly code: 'too-old' | 'unknown-bookmark' | 'not-archived';

  constructor(code: Refusal['code'], message: string) {
    super(message);
    this.code = code;
  }
}
