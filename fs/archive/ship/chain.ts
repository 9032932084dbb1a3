// What the store has of one database, and how far each level got.
import type { OpenLog } from '../log/open-log.ts';
import { decodeHeader, HEADER_BYTES, type LtxHeader } from '../ltx/header.ts';
import { findMark, type Mark } from './marks.ts';
import { firstLevel, type LtxName, levelPrefix, nameOf, parseName, snapshotLevel } from './names.ts';
import type { ShipStore } from './store.ts';

/** Levels that are made of the one below, and how often; as Litestream has them. */
export const mergedLevels: readonly { readonly level: number; readonly intervalMs: number }[] = [
  { level: 1, intervalMs: 30_000 },
  { level: 2, intervalMs: 300_000 },
  { level: 3, intervalMs: 3_600_000 },
];
export const usedLevels: readonly number[] = [firstLevel, ...mergedLevels.map(({ level }) => level), snapshotLevel];

/** The end of a file, and the commit that it stands for. */
export interface Place {
  readonly txid: number;
  readonly mark: Mark;
}

export interface Chain {
  /** Of the newest file; 0: there is none. */
  txid: number;
  /** undefined: the newest file is not of this log. */
  mark: Mark | undefined;
  incarnation: number;
  /** By level: all up to there is in that level, or never will be. */
  readonly merged: Map<number, Place>;
  /** Files of level 0 that a merge has covered or will cover; ascending. */
  loose: { readonly txid: number; readonly writtenMs: number }[];
  snapshot: { readonly txid: number; readonly writtenMs: number } | undefined;
}

export interface Listed extends LtxName {
  readonly name: string;
  readonly bytes: number;
  readonly writtenMs: number;
}

export async function* listLevel(store: ShipStore, database: string, level: number): AsyncGenerator<Listed> {
  for await (const { name, bytes, timeMs } of store.list(levelPrefix(store.url, database, level))) {
    const found = parseName(store.url, name);
    if (found?.database === database && found.level === level) yield { ...found, name, bytes, writtenMs: timeMs };
  }
}

export async function readHeader(store: ShipStore, name: string): Promise<LtxHeader> {
  return decodeHeader(await store.read(name, { offset: 0, bytes: HEADER_BYTES }));
}

/** Asks the store. @throws ShipError */
export async function readChain(store: ShipStore, log: OpenLog): Promise<Chain> {
  const database = log.identity.name;
  const newest = new Map<number, Listed>();
  const loose: { readonly txid: number; readonly writtenMs: number }[] = [];
  for (const level of usedLevels) {
    for await (const file of listLevel(store, database, level)) {
      if (level === firstLevel) loose.push({ txid: file.maxTxid, writtenMs: file.writtenMs });
      if (file.maxTxid > (newest.get(level)?.maxTxid ?? 0)) newest.set(level, file);
    }
  }
  const places = new Map<number, Place>();
  for (const [level, { maxTxid, name }] of newest) {
    const mark = findMark(log, (await readHeader(store, name)).nodeId);
    if (mark !== undefined) places.set(level, { txid: maxTxid, mark });
  }
  const txid = Math.max(0, ...[...newest.values()].map(({ maxTxid }) => maxTxid));
  const snapshot = newest.get(snapshotLevel);
  const merged = mergedOf(places);
  const covered = newest.get(1)?.maxTxid ?? 0;
  const notCovered = merged.get(1)?.txid ?? Number.POSITIVE_INFINITY;
  return {
    txid,
    mark: [...places.values()].find((place) => place.txid === txid)?.mark,
    incarnation: log.identity.incarnation,
    merged,
    loose: loose.filter((file) => file.txid <= covered || file.txid > notCovered),
    snapshot: snapshot && { txid: snapshot.maxTxid, writtenMs: snapshot.writtenMs },
  };
}

/** A level goes on at its newest file; one that has none, where the newest snapshot of this log is. */
function mergedOf(places: ReadonlyMap<number, Place>): Map<number, Place> {
  const merged = new Map<number, Place>();
  for (const { level } of mergedLevels) {
    const place = places.get(level) ?? places.get(snapshotLevel);
    if (place !== undefined) merged.set(level, place);
  }
  return merged;
}

export function nameIn(store: ShipStore, database: string, name: LtxName): string {
  return nameOf(store.url, database, name);
}
