// All databases of the server: open one, use one from a program, make one. An empty server explains itself.
import { useState } from 'preact/hooks';
import { exportWanted } from '../export/wanted.ts';
import { linkTo } from '../location.ts';
import { canEdit, overview } from '../session.ts';
import { FirstVisit } from '../start/FirstVisit.tsx';
import { loadSample, NewDatabaseDialog } from '../start/NewDatabaseDialog.tsx';
import { Icon } from '../ui/Icon.tsx';
import { usedDatabase } from '../ui/open-dialogs.ts';
import { fileSize } from '../ui/sizes.ts';

export default function HomeView() {
  const known = overview.value;
  if (known === null) return null;
  if (known.databases.length === 0) return <FirstVisit />;
  return (
    <div class="page">
      <header class="home-head">
        <h1>Databases</h1>
        {canEdit.value && <MakeButtons />}
      </header>
      <ul class="database-list">
        {known.databases.map(({ db, path, bytes }) => (
          <li key={db} class="database-card">
            <Icon name="database" size={22} />
            <a class="database-card-name" href={linkTo({ view: 'tables', db, params: {} })}>
              {db}
            </a>
            <span class="muted">{fileSize(bytes)}</span>
            <code class="muted">{path}</code>
            <span class="database-actions">
              <button
                type="button"
                class="button quiet"
                onClick={() => {
                  usedDatabase.value = { db, path };
                }}
              >
                <Icon name="terminal" size={16} /> Use from a program
              </button>
              <button
                type="button"
                class="icon-button"
                aria-label={`Download ${db}`}
                title="Download the whole database as one file"
                onClick={() => {
                  exportWanted.value = { kind: 'file', db, bytes };
                }}
              >
                <Icon name="download" size={16} />
              </button>
            </span>
          </li>
        ))}
      </ul>
      {known.more && <p class="muted">There are more databases than this list shows: name one in the address.</p>}
    </div>
  );
}

function MakeButtons() {
  const [isMaking, setMaking] = useState(false);
  const [isLoading, setLoading] = useState(false);
  return (
    <div class="home-make">
      <button
        type="button"
        class="button"
        disabled={isLoading}
        title="A small shop: 8 tables, 50,000 rows, keys with history"
        onClick={() => {
          setLoading(true);
          void loadSample().then(() => setLoading(false));
        }}
      >
        {isLoading ? 'Loading ...' : 'Load a sample'}
      </button>
      <button type="button" class="button primary" onClick={() => setMaking(true)}>
        <Icon name="plus" size={16} /> Create a database
      </button>
      {isMaking && <NewDatabaseDialog onClose={() => setMaking(false)} />}
    </div>
  );
}
