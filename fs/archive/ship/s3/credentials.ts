// The keys of an S3 service: out of the environment or a file, never out of a URL or an argument, which every user of
// the machine can read. The first of these that is there:
// 1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
// 2. $CREDENTIALS_DIRECTORY/s3: systemd's LoadCredential=s3:FILE
// 3. AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/credentials
// A file has the form of ~/.aws/credentials; AWS_PROFILE names its section (default: `default`).
import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ShipError } from '../ship-error.ts';
import type { Environment } from './location.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface FoundCredentials {
  readonly credentials: Credentials;
  /** What the operator should know, without what is secret. */
  readonly warning?: string;
}

const whatToDo =
  'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of the daemon, ' +
  'or write them to a file in the form of ~/.aws/credentials and name it with AWS_SHARED_CREDENTIALS_FILE';

/** Reads them anew with each call. @throws ShipError `denied` */
export async function findCredentials(environment: Environment): Promise<FoundCredentials> {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = environment;
  if (id && secret) return { credentials: keysOf(id, secret, token) };
  if (id || secret) {
    const missing = id ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID';
    throw new ShipError('denied', `Half of the S3 credentials is missing: set ${missing}, too`);
  }
  for (const path of files(environment)) {
    const file = await readIfThere(path);
    if (file !== undefined) return inFile(path, file, environment.AWS_PROFILE || 'default');
  }
  throw new ShipError('denied', `There are no credentials for S3: ${whatToDo}`);
}

function files(environment: Environment): readonly string[] {
  const { CREDENTIALS_DIRECTORY: given, AWS_SHARED_CREDENTIALS_FILE: shared } = environment;
  const home = environment.HOME || homedir();
  return [...(given ? [join(given, 's3')] : []), shared || join(home, '.aws/credentials')];
}

interface File {
  readonly text: string;
  readonly isOpenToAll: boolean;
}

async function readIfThere(path: string): Promise<File | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const { mode } = await handle.stat();
      return { text: await handle.readFile('utf8'), isOpenToAll: (mode & 0o004) !== 0 };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ShipError('denied', `The S3 credentials in ${path} cannot be read (${code})`, { cause });
  }
}

function inFile(path: string, { text, isOpenToAll }: File, profile: string): FoundCredentials {
  const section = sectionOf(text, profile);
  if (section === undefined) {
    throw new ShipError('denied', `${path} has no section [${profile}]: write one, or set AWS_PROFILE`);
  }
  const [id, secret] = [section.get('aws_access_key_id'), section.get('aws_secret_access_key')];
  if (!id || !secret) {
    throw new ShipError(
      'denied',
      `[${profile}] of ${path} needs the lines aws_access_key_id = ... and aws_secret_access_key = ...`,
    );
  }
  const credentials = keysOf(id, secret, section.get('aws_session_token'));
  const warning = `Everybody on this machine can read the S3 credentials in ${path}: chmod 600 it`;
  return { credentials, ...(isOpenToAll ? { warning } : {}) };
}

/** Lines of one section; undefined where there is none of that name. */
function sectionOf(text: string, wanted: string): ReadonlyMap<string, string> | undefined {
  let found: Map<string, string> | undefined;
  let isInside = false;
  for (const line of text.split(/\r?\n/).map((whole) => whole.trim())) {
    const heading = /^\[\s*(.*?)\s*\]$/.exec(line)?.[1];
    if (heading !== undefined) {
      isInside = heading === wanted;
      if (isInside) found ??= new Map();
    } else if (isInside && !/^[#;]/.test(line) && line.includes('=')) {
      const at = line.indexOf('=');
      found?.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim());
    }
  }
  return found;
}

function keysOf(accessKeyId: string, secretAccessKey: string, sessionToken: string | undefined): Credentials {
  // A line end behind a secret is what is left of a file; the service would only say that the signature is wrong.
  const [id, secret] = [accessKeyId.trim(), secretAccessKey.trim()];
  return { accessKeyId: id, secretAccessKey: secret, ...(sessionToken ? { sessionToken: sessionToken.trim() } : {}) };
}
