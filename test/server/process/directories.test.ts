// Which requests for keys ask the disk whether they are for a directory: those for databases never do.
import { expect, test } from 'vitest';
import { Directories } from '../../../server/process/directories/directories.ts';

const directories = new Directories({
  root: '/mount',
  dataDir: '/data',
  pastDir: '/state/past',
  allowAnyAbsoluteDbPath: true,
  mounted: true,
  openPaths: () => [],
});

test.each(['app', 'app.db', 'team/app.db', '/mount/app.db', '/mount/../data/app.db', '/elsewhere?x', ''])(
  'by its name alone %j is a database',
  (name) => expect(directories.isDatabase(name)).toBe(true),
);

test.each(['/elsewhere', '/elsewhere/', '/mounted'])('%j may be a directory', (name) =>
  expect(directories.isDatabase(name)).toBe(false),
);
