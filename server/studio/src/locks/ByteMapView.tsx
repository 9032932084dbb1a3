// Draws the map of lock bytes of one database: a letter for what is held, with its meaning in words beside it.
import { byteMap, type LockByte } from './byte-map.ts';
import type { DatabaseLocks } from './snapshot.ts';

export function ByteMapView({ locks }: { readonly locks: DatabaseLocks }) {
  const { file, shm } = byteMap(locks);
  return (
    <section class="byte-map" aria-label={`Lock bytes of ${locks.db}`}>
      <h3>{locks.db}</h3>
      <p class="muted byte-legend">
        <b>X</b> held alone, <b>S</b> shared, <b>.</b> free, <b>?</b> waited for
      </p>
      <Bytes title="In the database file" bytes={file} />
      {locks.journal === 'wal' && <Bytes title="In the -shm file" bytes={shm} />}
    </section>
  );
}

function Bytes({ title, bytes }: { readonly title: string; readonly bytes: readonly LockByte[] }) {
  return (
    <table class="byte-table">
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">byte</th>
          <th scope="col">state</th>
          <th scope="col">meaning</th>
          <th scope="col">held by pid</th>
          <th scope="col">waited for by pid</th>
        </tr>
      </thead>
      <tbody>
        {bytes.map((byte) => (
          <tr key={byte.name}>
            <th scope="row">{byte.name}</th>
            <td>
              <span class={`byte is-${stateOf(byte)}`}>{signOf(byte)}</span>
            </td>
            <td class="muted">{byte.meaning}</td>
            <td>{[...byte.exclusive, ...byte.shared].join(', ')}</td>
            <td>{byte.waiting.join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function stateOf({ exclusive, shared }: LockByte): 'exclusive' | 'shared' | 'free' {
  if (exclusive.length > 0) return 'exclusive';
  return shared.length > 0 ? 'shared' : 'free';
}

function signOf(byte: LockByte): string {
  const state = stateOf(byte);
  const sign =
    state === 'exclusive' ? 'X' : state === 'shared' ? `S${byte.shared.length > 1 ? byte.shared.length : ''}` : '.';
  return byte.waiting.length > 0 ? `${sign}?` : sign;
}
