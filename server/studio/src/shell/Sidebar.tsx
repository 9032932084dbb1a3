// The left side of a wide page: what is in the open database, and the other databases.
import { linkTo } from '../location.ts';
import { database, overview } from '../session.ts';
import { Icon } from '../ui/Icon.tsx';
import { fileSize } from '../ui/sizes.ts';
import { ObjectList } from './ObjectList.tsx';

export function Sidebar() {
  return (
    <nav class="sidebar" aria-label="Tables and databases">
      {database.value !== null && <ObjectList />}
      <DatabaseList />
    </nav>
  );
}

function DatabaseList() {
  const known = overview.value;
  if (known === null) return null;
  return (
    <details class="object-group" open>
      <summary>
        <Icon name="chevronRight" size={14} />
        Databases{' '}
        <span class="count">
          {known.databases.length}
          {known.more ? '+' : ''}
        </span>
      </summary>
      <ul>
        {known.databases.map(({ db, bytes, path }) => (
          <li key={db}>
            <a
              class="object-link"
              href={linkTo({ view: 'tables', db, params: {} })}
              aria-current={db === database.value ? 'true' : undefined}
              title={path}
            >
              <Icon name="database" size={16} />
              <span class="object-name">{db}</span>
              <span class="count">{fileSize(bytes)}</span>
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}
