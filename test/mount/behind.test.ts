// Changes made in the data directory behind the mount's back are seen through the mount, and the log warns of them.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { run } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

let mount: TempMount;
afterEach(() => mount?.close());

const warnings = () => mount.log.filter(({ event }) => event === 'changed-behind-the-mount');
const through = async (command: string) =>
  (await run('bash', ['-c', command], { cwd: mount.mountPoint, timeoutMs: 20_000 })).stdout.trim();

describe.each(['on', 'off'] as const)('with passthrough %s', (passthrough) => {
  test('a file made, changed, replaced and removed there is seen as it is, with a warning each time', async () => {
    mount = await tempMount({ passthrough });
    const file = join(mount.dataDir, 'f');
    const steps: [string, () => void][] = [
      ['one', () => writeFileSync(file, 'one')],
      ['changed', () => writeFileSync(file, 'changed')],
      [
        'replaced',
        () => {
          writeFileSync(`${file}.new`, 'replaced');
          renameSync(`${file}.new`, file);
        },
      ],
      ['', () => rmSync(file)],
    ];
    expect(await through('cat f; ls')).toBe('');
    for (const [content, change] of steps) {
      const before = warnings().length;
      change();
      await eventually(() => expect(warnings().length).toBeGreaterThan(before));
      await eventually(async () =>
        expect(await through('stat -c %s f')).toBe(content === '' ? '' : `${content.length}`),
      );
      expect(await through('cat f')).toBe(content);
      await eventually(async () => expect(await through('ls')).toBe(content === '' ? '' : 'f'));
    }
    expect(JSON.stringify(warnings()[0]?.fields)).toContain(file);
  });
});

test('a change in a directory below is seen too', async () => {
  mount = await tempMount();
  mkdirSync(join(mount.dataDir, 'a'));
  await eventually(async () => expect(await through('ls -l a/')).toBe('total 0'));
  writeFileSync(join(mount.dataDir, 'a', 'f'), 'x');
  await eventually(async () => expect(await through('cat a/f')).toBe('x'));
  await eventually(() => expect(warnings().some(({ fields }) => JSON.stringify(fields).includes('a/f'))).toBe(true));
});

test('changes made through the mount raise no warning', async () => {
  mount = await tempMount();
  const session = `mkdir d; for i in $(seq 30); do echo $i > d/f; mv d/f d/g; cp d/g d/h; rm d/g; done
    for i in $(seq 20); do sqlite3 d/a.db 'create table if not exists t (x); insert into t values (1)'; done; rm -r d`;
  await through(session);
  // A change of ours that would be reported is reported before this one.
  writeFileSync(join(mount.dataDir, 'marker'), '');
  await eventually(() => expect(warnings().length).toBeGreaterThan(0));
  expect(new Set(warnings().flatMap(({ fields }) => fields.names))).toEqual(new Set([join(mount.dataDir, 'marker')]));
});
