// All that is known of one program: where it runs and every lock that it holds or waits for, in all databases shown.
import { Dialog } from '../ui/Dialog.tsx';
import type { LockHolder, LockSnapshot, LockWaiter } from './snapshot.ts';
import { containerName, duration, meaningOfLock, programName, wishOf } from './words.ts';

interface Props {
  readonly pid: number;
  readonly snapshot: LockSnapshot;
  readonly parties: readonly (LockHolder | LockWaiter)[];
  readonly onClose: () => void;
}

export function OwnerPanel({ pid, snapshot, parties, onClose }: Props) {
  const party = parties.find((one) => one.pid === pid);
  if (party === undefined) {
    return (
      <Dialog title={`pid ${pid}`} size="small" onClose={onClose}>
        <p>It holds nothing and waits for nothing any more.</p>
      </Dialog>
    );
  }
  return (
    <Dialog title={programName(party)} onClose={onClose}>
      <p>
        {pid === 0
          ? 'The daemon runs in a process namespace of its own and cannot see this program.'
          : `Process ${pid}, ${containerName(party.container)}.`}
      </p>
      {snapshot.databases.map(({ db, journal, holders, waiters }) => {
        const holds = holders.filter((holder) => holder.pid === pid);
        const waits = waiters.filter((waiter) => waiter.pid === pid);
        if (holds.length + waits.length === 0) return null;
        return (
          <section key={db} class="owner-locks" aria-label={db}>
            <h3>{db}</h3>
            <ul>
              {holds.map(({ lock, mode, heldMs }) => (
                <li key={`${lock} ${mode}`}>
                  holds <code>{lock}</code> {mode}, {duration(heldMs)}
                  <span class="muted"> {meaningOfLock({ lock, mode }, journal)}</span>
                </li>
              ))}
              {waits.map(({ lock, mode, waitMs, blockedBy }) => (
                <li key={`${lock} ${mode}`}>
                  {wishOf(lock, mode)} <code>{lock}</code>, {duration(waitMs)}
                  {blockedBy.length > 0 && <span class="muted"> behind pid {blockedBy.join(', ')}</span>}
                </li>
              ))}
            </ul>
          </section>
        );
      })}
      {pid !== 0 && (
        <p class="muted">
          On the host: <code>ps -fp {pid}</code> shows its command line, <code>kill {pid}</code> ends it.
        </p>
      )}
    </Dialog>
  );
}
