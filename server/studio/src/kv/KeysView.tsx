// The keys of a key-value table: the tree of keys on one side, the chosen key on the other. On a phone one of both.
import { useEffect, useState } from 'preact/hooks';
import { errorText, isAbort, reconnects } from '../api/client.ts';
import { isPhone } from '../layout.ts';
import { route, setParams } from '../location.ts';
import { canEdit, database } from '../session.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Problem } from '../ui/Problem.tsx';
import { SplitPane } from '../ui/SplitPane.tsx';
import { KeyBrowser } from './KeyBrowser.tsx';
import { KeyPanel } from './KeyPanel.tsx';
import './keys.css';
import { NewKeyDialog } from './NewKeyDialog.tsx';
import { readTables } from './requests.ts';

/** The table of the key-value API where none is named. */
const usualTable = 'kv_store';

export default function KeysView() {
  const db = database.value;
  if (db === null) return null;
  return (
    <>
      {route.value.params.key === undefined && <h1 class="visually-hidden">Keys of {db}</h1>}
      <Keys key={db} db={db} />
    </>
  );
}

function Keys({ db }: { readonly db: string }) {
  const [tables, setTables] = useState<readonly string[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [reads, setReads] = useState(0);
  const [isFirst, setFirst] = useState(false);
  const wakeUps = reconnects.value;
  useEffect(() => {
    const stop = new AbortController();
    readTables(db, stop.signal).then(
      (answer) => {
        setTables(answer.tables.map(({ table }) => table));
        setError(null);
      },
      (cause: unknown) => {
        if (!isAbort(cause)) setError(errorText(cause));
      },
    );
    return () => stop.abort();
  }, [db, reads, wakeUps]);
  if (error !== null && tables === null) return <Problem error={error} onRetry={() => setReads(reads + 1)} />;
  if (tables === null) return <div class="loading" aria-busy="true" />;
  const { table: asked, key } = route.value.params;
  const table = asked ?? (tables.includes(usualTable) ? usualTable : tables[0]);
  // Others may make a table while somebody fills in the dialog.
  if (table === undefined || isFirst) {
    return <NoKeys db={db} isOpen={isFirst} onOpen={setFirst} onMade={() => setReads(reads + 1)} />;
  }
  const known = tables.includes(table) ? tables : [...tables, table];
  const browser = <KeyBrowser key={table} db={db} table={table} tables={known} />;
  const panel = key === undefined ? <ChooseKey /> : <KeyPanel key={`${table} ${key}`} place={{ db, table, key }} />;
  if (isPhone.value) return <div class="keys-view is-phone">{key === undefined ? browser : panel}</div>;
  return (
    <div class="keys-view">
      <SplitPane
        name="keys"
        label="Width of the list of keys"
        direction="columns"
        initial={28}
        first={browser}
        second={panel}
      />
    </div>
  );
}

function ChooseKey() {
  return (
    <EmptyState icon="key" title="Choose a key">
      Its value and its whole history appear here: what it was, when, and who changed it.
    </EmptyState>
  );
}

interface NoKeysProps {
  readonly db: string;
  readonly isOpen: boolean;
  readonly onOpen: (isOpen: boolean) => void;
  readonly onMade: () => void;
}

function NoKeys({ db, isOpen, onOpen, onMade }: NoKeysProps) {
  return (
    <EmptyState icon="key" title="No keys yet">
      <p>
        Keys hold settings, sessions, counters and documents. Every change is kept, with its author, and can be rolled
        back.
      </p>
      {canEdit.value && (
        <p class="empty-actions">
          <button type="button" class="button primary" onClick={() => onOpen(true)}>
            <Icon name="plus" size={16} /> Create the first key
          </button>
        </p>
      )}
      {isOpen && (
        <NewKeyDialog
          db={db}
          table={usualTable}
          onClose={() => onOpen(false)}
          onMade={(key) => {
            onOpen(false);
            onMade();
            setParams({ table: usualTable, key });
          }}
        />
      )}
    </EmptyState>
  );
}
