import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findCredentials } from '../../../../../fs/archive/ship/s3/credentials.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 's3-credentials-'));
});
afterEach(() => rmSync(home, { recursive: true }));

function write(name: string, id: string, profile = 'default'): string {
  const path = join(home, name);
  mkdirSync(join(path, '..'), { recursive: true });
  const lines = [
    '; of the backup',
    '[other]',
    'aws_access_key_id=NOT',
    'aws_secret_access_key=THIS',
    `[ ${profile} ]`,
    `aws_access_key_id = ${id}`,
    'AWS_SECRET_ACCESS_KEY=with=equals/and+more  ',
    '# aws_session_token = old',
  ];
  writeFileSync(path, lines.join('\r\n'), { mode: 0o600 });
  return path;
}

const idOf = async (environment: Record<string, string>) =>
  (await findCredentials({ HOME: home, ...environment })).credentials.accessKeyId;

test('the environment comes first, then the file of systemd, then the shared one', async () => {
  write('.aws/credentials', 'HOME');
  expect(await idOf({})).toBe('HOME');
  const shared = { AWS_SHARED_CREDENTIALS_FILE: write('shared', 'SHARED') };
  expect(await idOf(shared)).toBe('SHARED');
  write('given/s3', 'GIVEN');
  const given = { ...shared, CREDENTIALS_DIRECTORY: join(home, 'given') };
  expect(await idOf(given)).toBe('GIVEN');
  expect(await idOf({ ...given, AWS_ACCESS_KEY_ID: 'SET', AWS_SECRET_ACCESS_KEY: 'x' })).toBe('SET');
  // systemd hands over a directory for other credentials, too.
  expect(await idOf({ CREDENTIALS_DIRECTORY: home })).toBe('HOME');
});

test('a file is read as the tools of Amazon read it, and its profile is chosen', async () => {
  write('.aws/credentials', 'ID', 'backup');
  const found = await findCredentials({ HOME: home, AWS_PROFILE: 'backup' });
  expect(found).toEqual({ credentials: { accessKeyId: 'ID', secretAccessKey: 'with=equals/and+more' } });
  await expect(findCredentials({ HOME: home })).rejects.toThrow(
    /has no section \[default\]: write one, or set AWS_PROFILE/,
  );
});

test('a line end behind a secret does not count', async () => {
  const environment = { AWS_ACCESS_KEY_ID: 'ID\n', AWS_SECRET_ACCESS_KEY: ' secret\n', AWS_SESSION_TOKEN: 'token\n' };
  expect((await findCredentials(environment)).credentials).toEqual({
    accessKeyId: 'ID',
    secretAccessKey: 'secret',
    sessionToken: 'token',
  });
});

test('what is missing is told, with what to do', async () => {
  await expect(findCredentials({ HOME: home })).rejects.toMatchObject({
    code: 'denied',
    message: expect.stringMatching(/no credentials for S3: set AWS_ACCESS_KEY_ID/),
  });
  await expect(findCredentials({ HOME: home, AWS_ACCESS_KEY_ID: 'x' })).rejects.toThrow(
    /set AWS_SECRET_ACCESS_KEY, too/,
  );
  const path = join(home, 'empty');
  writeFileSync(path, '[default]\naws_access_key_id = x\n');
  await expect(findCredentials({ AWS_SHARED_CREDENTIALS_FILE: path })).rejects.toThrow(/needs the lines/);
  await expect(findCredentials({ AWS_SHARED_CREDENTIALS_FILE: home })).rejects.toThrow(/cannot be read \(EISDIR\)/);
});

test('a file that everybody can read is told', async () => {
  const path = write('.aws/credentials', 'HOME');
  chmodSync(path, 0o644);
  expect((await findCredentials({ HOME: home })).warning).toBe(
    `Everybody on this machine can read the S3 credentials in ${path}: chmod 600 it`,
  );
});
