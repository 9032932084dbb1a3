// All databases of the server.
import { linkTo } from '../location.ts';
import { overview } from '../session.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Icon } from '../ui/Icon.tsx';
import { fileSize } from '../ui/sizes.ts';

export default function HomeView() {
  const known = overview.value;
  if (known === null) return null;
  if (known.databases.length === 0) {
    return (
      <EmptyState icon="database" title="No databases yet">
        Programs make them below <code>{known.root}</code>.
      </EmptyState>
    );
  }
  return (
    <div class="page">
      <h1>Databases</h1>
      <ul class="database-list">
        {known.databases.map(({ db, path, bytes }) => (
          <li key={db}>
            <a class="database-card" href={linkTo({ view: 'tables', db, params: {} })}>
              <Icon name="database" size={22} />
              <span class="database-card-name">{db}</span>
              <span class="muted">{fileSize(bytes)}</span>
              <code class="muted">{path}</code>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
