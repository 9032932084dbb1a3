// Statements that were run in this browser, with a search.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ago } from '../time-text.ts';
import { Icon } from '../ui/Icon.tsx';
import { count, rowsText } from '../ui/sizes.ts';
import { found, history, type Ran } from './history.ts';

interface Props {
  readonly db: string;
  readonly onShow: (sql: string) => void;
  readonly onClose: () => void;
}

const mostShown = 100;

export function HistoryPanel({ db, onShow, onClose }: Props) {
  const [search, setSearch] = useState('');
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const list = found(history.value, search, db);
  return (
    <aside class="sql-history" aria-label="History">
      <div class="sql-history-head">
        <input
          type="search"
          class="field"
          aria-label="Search the history"
          placeholder="Search"
          value={search}
          ref={field}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
        <button type="button" class="icon-button" aria-label="Close the history" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <ul>
        {list.slice(0, mostShown).map((ran) => (
          <li key={`${ran.at} ${ran.db}`}>
            <button type="button" class="sql-ran" onClick={() => onShow(ran.sql)}>
              <code>{ran.sql.slice(0, 400)}</code>
              <span class="muted">{noteOf(ran, db)}</span>
            </button>
          </li>
        ))}
      </ul>
      {list.length === 0 && <p class="muted sql-history-empty">Nothing was run yet.</p>}
      {list.length > mostShown && (
        <p class="muted sql-history-empty">
          The newest {mostShown} of {count(list.length)}.
        </p>
      )}
    </aside>
  );
}

function noteOf({ at, ms, rows, db }: Ran, shownDb: string): string {
  const what = rows === null ? 'failed' : rowsText(rows);
  return [ago(at, Date.now()), what, `${ms} ms`, ...(db === shownDb ? [] : [db])].join(', ');
}
