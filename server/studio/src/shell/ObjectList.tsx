// Tables, views and system tables of the open database: in the sidebar, and as the first page of Tables on a phone.
import { useState } from 'preact/hooks';
import type { StudioObject } from '../../../messages/studio/schema.ts';
import { linkToTable } from '../documents/addresses.ts';
import { importWanted } from '../export/wanted.ts';
import { isPhone } from '../layout.ts';
import { navigate, route } from '../location.ts';
import { canEdit, loadSchema, schema, schemaError } from '../session.ts';
import { Icon } from '../ui/Icon.tsx';
import { Menu } from '../ui/Menu.tsx';
import { Problem } from '../ui/Problem.tsx';

const filterFrom = 12;

export function ObjectList() {
  const [search, setSearch] = useState('');
  const known = schema.value;
  if (schemaError.value !== null) return <Problem error={schemaError.value} onRetry={() => void loadSchema()} />;
  if (known === null) return <div class="loading" aria-busy="true" />;
  const wanted = search.toLowerCase();
  const all = known.objects.filter(({ name }) => name.toLowerCase().includes(wanted));
  const groups: readonly [string, readonly StudioObject[], boolean][] = [
    ['Tables', all.filter(({ group, type }) => group === 'user' && type !== 'view'), true],
    ['Views', all.filter(({ group, type }) => group === 'user' && type === 'view'), true],
    ['Key-value', all.filter(({ group }) => group === 'kv'), true],
    ['System', all.filter(({ group }) => group === 'system'), wanted !== ''],
  ];
  return (
    <div class="object-list">
      {isPhone.value && <h1 class="visually-hidden">Tables of {known.db}</h1>}
      {canEdit.value && <AddMenu db={known.db} />}
      {known.objects.length > filterFrom && (
        <input
          class="field object-search"
          type="search"
          aria-label="Find a table"
          placeholder="Find a table"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      {known.objects.length === 0 && <p class="muted object-none">No tables yet.</p>}
      {groups
        .filter(([, objects]) => objects.length > 0)
        .map(([title, objects, isOpen]) => (
          <Group key={title} title={title} objects={objects} isOpen={isOpen} />
        ))}
    </div>
  );
}

/** Stands in the line of the first group, at its end. */
function AddMenu({ db }: { readonly db: string }) {
  return (
    <div class="object-add">
      <Menu
        label="Add a table"
        items={[
          {
            label: 'Import a file ...',
            icon: 'upload',
            run: () => {
              importWanted.value = { db, table: null };
            },
          },
          {
            label: 'Create a table in SQL',
            icon: 'terminal',
            run: () => navigate({ view: 'sql', params: { sql: newTable } }),
          },
        ]}
      >
        <Icon name="plus" size={16} />
      </Menu>
    </div>
  );
}

const newTable = 'CREATE TABLE new_table (\n  id INTEGER PRIMARY KEY,\n  name TEXT NOT NULL\n);';

interface GroupProps {
  readonly title: string;
  readonly objects: readonly StudioObject[];
  readonly isOpen: boolean;
}

function Group({ title, objects, isOpen }: GroupProps) {
  return (
    <details class="object-group" open={isOpen}>
      <summary>
        <Icon name="chevronRight" size={14} />
        {title} <span class="count">{objects.length}</span>
      </summary>
      <ul>
        {objects.map((object) => (
          <li key={object.name}>
            <ObjectLink object={object} />
          </li>
        ))}
      </ul>
    </details>
  );
}

function ObjectLink({ object }: { readonly object: StudioObject }) {
  const { view, params } = route.value;
  const isKv = object.group === 'kv';
  const opens = isKv ? 'keys' : view === 'structure' ? 'structure' : 'tables';
  const isCurrent = view === opens && params.table === object.name;
  return (
    <a
      class="object-link"
      href={linkToTable(opens, object.name)}
      aria-current={isCurrent ? 'page' : undefined}
      title={object.name}
    >
      <Icon name={isKv ? 'key' : object.type === 'view' ? 'view' : 'table'} size={16} />
      <span class="object-name">{object.name === '' ? '(no name)' : object.name}</span>
      {object.type === 'virtual' && <span class="tag">virtual</span>}
    </a>
  );
}
