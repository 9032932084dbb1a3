// A writer that is killed at its work: what it had committed, and what it had not, stays in the files beside the
// database.
import { run } from './process.ts';

const script = `
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]: db.execute(statement)
os.kill(os.getpid(), 9)`;

/** Does not close the database. @throws Error where a statement fails */
export async function dieAfter(path: string, ...statements: readonly string[]): Promise<void> {
  const { signal, stderr } = await run('python3', ['-c', script, path, ...statements]);
  if (signal !== 'SIGKILL') throw new Error(stderr);
}
