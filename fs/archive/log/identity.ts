// What an incarnation is: `incarnation.json` in its folder. A database has a new one when its file was replaced or has
// another page size; its history begins anew there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { replaceFile } from './disk.ts';
import { identityFile } from './log-files.ts';
import { LogDamage } from './segment.ts';

export interface Identity {
  /** Unique in the archive; a later incarnation has a greater one. */
  readonly incarnation: number;
  readonly inode: string;
  readonly device: string;
  /** The path below the data directory. */
  readonly name: string;
  readonly createdMs: number;
  /** Since when it has this name. */
  readonly namedMs: number;
  /** Why history begins anew. */
  readonly reason?: string;
}

/** Whoever changes a byte of it shall be found out: its checksum stands beside it. */
export function writeIdentity(folder: string, identity: Identity): void {
  const text = JSON.stringify(identity);
  replaceFile(join(folder, identityFile), `${JSON.stringify({ identity, crc: crc32(text) })}\n`);
}

/** @throws LogDamage, NodeJS.ErrnoException */
export function readIdentity(folder: string): Identity {
  return parseIdentity(readFileSync(join(folder, identityFile)), folder);
}

export function parseIdentity(bytes: Buffer, folder = ''): Identity {
  try {
    const { identity, crc } = JSON.parse(bytes.toString()) as { identity: Identity; crc: number };
    if (crc32(JSON.stringify(identity)) === crc) return identity;
  } catch {
    // Said below.
  }
  throw new LogDamage(`${join(folder, identityFile)}: it is damaged`);
}
