// Rows that somebody else has changed since they were read: what was read, what is there now, what was meant.
import type { StudioConflicts } from '../../../messages/studio/edits.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { isSame } from '../api/values.ts';
import { CellText } from '../grid/CellText.tsx';
import type { Staged, StagedChange } from './staged.ts';

type Conflict = StudioConflicts['conflicts'][number];

interface Props {
  readonly staged: Staged;
  readonly conflicts: readonly Conflict[];
  readonly onResolve: (conflict: Conflict, keepMine: boolean) => void;
}

export function ConflictList({ staged, conflicts, onResolve }: Props) {
  return (
    <>
      <p>Nothing was written, and your edits are kept. Decide for each row; then apply.</p>
      {conflicts.map((conflict) => {
        const change = staged[conflict.change];
        return change === undefined ? null : (
          <ConflictCard key={conflict.change} change={change} conflict={conflict} onResolve={onResolve} />
        );
      })}
    </>
  );
}

interface CardProps {
  readonly change: StagedChange;
  readonly conflict: Conflict;
  readonly onResolve: Props['onResolve'];
}

function ConflictCard({ change, conflict, onResolve }: CardProps) {
  if (change.kind === 'insert') return null;
  const { now = {}, reason } = conflict;
  const columns = Object.keys(change.expect).filter(
    (name) => change.kind === 'update' || !(name in now) || !isSame(now[name] ?? null, change.expect[name] ?? null),
  );
  const key = change.key.map((part) =>
    part === null ? 'NULL' : typeof part === 'string' ? part : Object.values(part)[0],
  );
  return (
    <section class="conflict">
      <h3>
        {change.table}, {key.join(', ')}: {reason === 'gone' ? 'the row is gone' : 'changed meanwhile'}
      </h3>
      {reason === 'changed' && (
        <div class="conflict-scroll">
          <table class="conflict-table">
            <thead>
              <tr>
                <th scope="col">Column</th>
                <th scope="col">You read</th>
                <th scope="col">Now there</th>
                <th scope="col">{change.kind === 'delete' ? 'You delete' : 'You write'}</th>
              </tr>
            </thead>
            <tbody>
              {columns.map((name) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <Cell value={change.expect[name] ?? null} />
                  <Cell value={now[name] ?? null} isNew={!isSame(now[name] ?? null, change.expect[name] ?? null)} />
                  {change.kind === 'update' ? <Cell value={change.set[name] ?? null} /> : <td>the row</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="conflict-actions">
        <button type="button" class="button" onClick={() => onResolve(conflict, false)}>
          {reason === 'gone' ? 'Give my edit up' : 'Keep theirs'}
        </button>
        {reason === 'changed' && (
          <button type="button" class="button" onClick={() => onResolve(conflict, true)}>
            {change.kind === 'delete' ? 'Delete it all the same' : 'Write mine over it'}
          </button>
        )}
      </div>
    </section>
  );
}

function Cell({ value, isNew = false }: { readonly value: StudioValue; readonly isNew?: boolean }) {
  return (
    <td class={isNew ? 'is-new' : ''}>
      <CellText value={value} />
    </td>
  );
}
