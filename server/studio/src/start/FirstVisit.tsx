// What an empty server shows: make a database, or load a sample that fills every view.
import { useState } from 'preact/hooks';
import { canEdit, overview } from '../session.ts';
import { Icon } from '../ui/Icon.tsx';
import { Doors } from './Doors.tsx';
import { loadSample, NewDatabaseDialog } from './NewDatabaseDialog.tsx';
import './start.css';

/** The database that the snippets of an empty server make. */
const firstName = 'first.db';

export function FirstVisit() {
  const [isMaking, setMaking] = useState(false);
  const [isLoading, setLoading] = useState(false);
  const root = overview.value?.root ?? '';
  const load = async () => {
    setLoading(true);
    await loadSample();
    setLoading(false);
  };
  return (
    <div class="first-visit">
      <h1>No databases yet</h1>
      <p class="first-lead">
        A database here is a plain SQLite file. Programs open it at a path; browsers and services use it over HTTP. Both
        see the same rows at once.
      </p>
      {canEdit.value ? (
        <div class="first-choices">
          <button type="button" class="first-choice" disabled={isLoading} onClick={() => void load()}>
            <Icon name="table" size={26} />
            <b>{isLoading ? 'Loading ...' : 'Load a sample'}</b>
            <span>A small shop: 8 tables, 50,000 rows, keys with history. Every view has something to show.</span>
          </button>
          <button type="button" class="first-choice" onClick={() => setMaking(true)}>
            <Icon name="plus" size={26} />
            <b>Create a database</b>
            <span>An empty one, with a name of yours. Tables and keys come next.</span>
          </button>
        </div>
      ) : (
        <p>This token may only read. As soon as somebody makes a database, it appears here.</p>
      )}
      <section class="first-programs" aria-label="From a program">
        <h2>Or let a program make it</h2>
        <p class="muted">Whatever opens a file in {root} makes a database there.</p>
        <Doors db={firstName} path={`${root}/${firstName}`} isNew />
      </section>
      {isMaking && <NewDatabaseDialog onClose={() => setMaking(false)} />}
    </div>
  );
}
