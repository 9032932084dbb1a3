// A server with an archive of copies behind it, and a database with three rows for each test.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { type Answer, request } from './http.ts';
import { startServer, type TestServer } from './server.ts';
import { StubArchive } from './stub-archive.ts';

/** More than any process has on this system. */
const noProcess = '4194305';

class Past {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-past-')));
  readonly stateDir = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-past-state-')));
  server!: TestServer;
  end!: () => Promise<void>;
  archive!: StubArchive;
  /** Of the test, for names of its own. */
  number = 0;
  /** Without `.db`. */
  db = '';

  readonly call = (method: string, path: string, body?: object): Promise<Answer> =>
    request(`${this.server.url}/api/v1/sqlite${path}`, method, body === undefined ? {} : { body });

  readonly sql = async (...statements: string[]): Promise<void> => {
    const transaction = statements.map((statement) => ({ statement }));
    const answer = await this.call('POST', `/db?db=${this.db}&create_db_if_missing=true`, { transaction });
    expect(answer.status, answer.text).toBe(200);
  };

  readonly select = async (query: string, at = ''): Promise<unknown> => {
    const answer = await this.call(
      'GET',
      `/query?db=${this.db}&sql=${encodeURIComponent(query)}${at && `&at=${encodeURIComponent(at)}`}`,
    );
    expect(answer.status, answer.text).toBe(200);
    return answer.json.resultSet;
  };
}

/** For the tests of one file. What an ended server has left in the state directory is there before it starts. */
export function usePast(): Past {
  const past = new Past();
  const { root, stateDir } = past;
  beforeAll(async () => {
    mkdirSync(join(stateDir, 'past', noProcess), { recursive: true });
    writeFileSync(join(stateDir, 'past', noProcess, 'left'), 'over');
    const started = await startServer({ root, dataDir: root, stateDir }, (question) => past.archive.answer(question));
    Object.assign(past, started);
  });
  afterAll(async () => {
    await past.end();
    const left = existsSync(join(stateDir, 'past')) ? readdirSync(join(stateDir, 'past'), { recursive: true }) : [];
    rmSync(root, { recursive: true, force: true });
    rmSync(stateDir, { recursive: true, force: true });
    // The empty folder of a process is removed by the next one.
    expect(left.filter((name) => String(name).includes('/'))).toEqual([]);
  });
  beforeEach(async () => {
    past.number += 1;
    past.db = `app${past.number}`;
    past.archive = new StubArchive(() => root, `${past.db}.db`);
    await past.sql(
      'CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)',
      "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')",
    );
  });
  return past;
}
