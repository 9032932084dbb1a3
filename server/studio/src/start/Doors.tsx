// One file, its doors: the path of a database, and snippets that open it from a program, over HTTP, by clients of other
// databases or by an agent.
import { useId } from 'preact/hooks';
import { hasToken } from '../api/client.ts';
import { overview } from '../session.ts';
import { oneOf, savedSignal } from '../storage.ts';
import { copyText } from '../ui/copy-text.ts';
import { Icon } from '../ui/Icon.tsx';
import { Tabs } from '../ui/Tabs.tsx';
import { apiName, firstSnippets, type Snippet, snippetsFor } from './snippets.ts';
import './start.css';

const ids = ['python', 'node', 'shell', 'curl', 'fetch', 'libsql', 'redis', 'unstorage', 'agent'] as const;
const overHttp = {
  http: 'Goes over HTTP, from anywhere that reaches this server.',
  client: 'A client of another database with this URL: SQL by libSQL, keys by Upstash (Redis) and unstorage.',
  agent: 'Gives an agent this database as tools that read (Model Context Protocol).',
};
const chosen = savedSignal<Snippet['id']>('door', 'python', oneOf(...ids));

interface Props {
  readonly db: string;
  readonly path: string;
  /** There is no such database yet: only what makes it is shown. */
  readonly isNew?: boolean;
}

export function Doors({ db, path, isNew = false }: Props) {
  const panelId = useId();
  const origin = new URL('.', document.baseURI).href.replace(/\/$/, '');
  const snippets = isNew
    ? firstSnippets(path)
    : snippetsFor({ path, db: apiName(db, path), origin, token: hasToken() });
  const snippet = snippets.find(({ id }) => id === chosen.value) ?? snippets[0];
  if (snippet === undefined) return null;
  return (
    <div class="doors">
      <p class="door-path">
        <Icon name="database" size={16} />
        <code>{path}</code>
        <button
          type="button"
          class="icon-button"
          aria-label="Copy the path"
          title="Copy the path"
          onClick={() => void copyText(path, 'The path is on the clipboard')}
        >
          <Icon name="copy" size={16} />
        </button>
      </p>
      <Tabs
        label="Language"
        tabs={snippets.map(({ id, title }) => ({ id, label: title }))}
        selected={snippet.id}
        panelId={panelId}
        onSelect={(id) => {
          chosen.value = id;
        }}
      />
      <div id={panelId} class="door-panel" role="tabpanel" aria-label={snippet.title}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable by keyboard */}
        <pre class="door-text" data-snippet={snippet.id} tabIndex={0}>
          {snippet.text}
        </pre>
        <button
          type="button"
          class="button door-copy"
          onClick={() => void copyText(snippet.text, `The ${snippet.title} snippet is on the clipboard`)}
        >
          <Icon name="copy" size={16} /> Copy
        </button>
      </div>
      <p class="muted door-note">
        {snippet.door === 'file'
          ? overview.value?.mounted === true
            ? 'Opens the file on the mount: locks are queued, and what it writes is seen here at once.'
            : 'Opens the file itself.'
          : overHttp[snippet.door]}
        {snippet.needs !== '' && ` Needs ${snippet.needs}.`}
      </p>
    </div>
  );
}
