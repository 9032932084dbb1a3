// The outside judge, of buckets: Litestream's own reader, with the S3 client of Amazon's SDK, opens what was exported
// to a bucket, and sees at each moment what our own history has.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exportCommits } from '../../../../fs/archive/ship/export.ts';
import { S3Store } from '../../../../fs/archive/ship/s3-store.ts';
import { run } from '../../../helpers/process.ts';
import { startS3Service } from '../../../helpers/s3-service.ts';
import { ArchivedDatabase } from '../archived-database.ts';
import { extension, judge, python } from './judge.ts';

/** The proxy of the service runs in this process: nothing here may block it. */
async function judged(lines: readonly string[], reader?: { readonly environment: Record<string, string> }) {
  const { stdout, stderr, code } = await run(python ?? '', [judge, ...(reader ? [extension] : [])], {
    stdin: lines.join('\n'),
    // What the environment of the tests says of Amazon is not meant.
    env: {
      AWS_CA_BUNDLE: undefined,
      AWS_PROFILE: undefined,
      AWS_EC2_METADATA_DISABLED: 'true',
      ...reader?.environment,
    },
    timeoutMs: 60_000,
  });
  expect(code, stderr).toBe(0);
  return stdout.split('\n').filter(Boolean);
}

test.skipIf(python === undefined)(
  'a bucket is read by Litestream at every moment',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ship-judge-s3-'));
    const service = await startS3Service(join(folder, 'objects'));
    const archived = new ArchivedDatabase(folder, { segmentBytes: 256 * 1024 });
    try {
      archived.commit((db) => db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)'));
      for (let row = 1; row < 12; row++)
        archived.commit((db) => db.exec(`INSERT INTO t VALUES (${row}, 'row ${row}')`));
      mkdirSync(join(folder, 'work'));
      const { commits } = await exportCommits({
        archiveDir: join(folder, 'archive'),
        database: 'app.db',
        store: new S3Store(service.url('backup of/it'.replace(' ', '%20')), service.environment),
        workDir: join(folder, 'work'),
        onProgress: () => {},
      });
      expect(commits).toBe(12);
      const numbers = Array.from({ length: 12 }, (_, index) => index + 1);
      const paths = numbers.map((number) => join(folder, `then-${number}.db`));
      for (const number of numbers) {
        await archived.ask({ op: 'materialise', database: 'app.db', at: { number }, path: paths[number - 1] ?? '' });
      }
      // Litestream takes what is strictly before a time.
      const times = numbers.map((number) => new Date((archived.times[number] ?? 0) + 1).toISOString());
      const url = `s3://shipped/backup of/it/app.db?endpoint=${service.endpoint}&region=us-east-1&forcePathStyle=true`;
      const environment = { ...service.environment, LITESTREAM_REPLICA_URL: url };
      expect(await judged(times, { environment })).toEqual(await judged(paths));
    } finally {
      archived.close();
      await service.stop();
      rmSync(folder, { recursive: true });
    }
  },
  60_000,
);
