// The row of open documents under the head; on a phone a menu in the head. Links, because each has an address: a middle
// click opens it in another tab of the browser.
import { useEffect, useRef } from 'preact/hooks';
import { tip, useKey } from '../keys.ts';
import { isPhone } from '../layout.ts';
import { linkTo } from '../location.ts';
import { database } from '../session.ts';
import { draftOf, draftsKept } from '../sql/drafts.ts';
import { savedOf } from '../sql/saved.ts';
import { Icon, type IconName } from '../ui/Icon.tsx';
import { Menu, type MenuItem } from '../ui/Menu.tsx';
import { openDocuments } from './addresses.ts';
import { close, newQuery, show, showNext, shownDocument, stagedIn } from './document-store.ts';
import type { OpenDocument } from './documents.ts';
import './documents.css';

const icons = { tables: 'table', sql: 'terminal', keys: 'key' } as const satisfies Record<string, IconName>;

export function DocumentStrip() {
  useDocumentKeys();
  return isPhone.value ? <DocumentMenu /> : <Strip />;
}

function Strip() {
  const list = openDocuments.value;
  const shown = shownDocument.value;
  draftsKept.value; // a saved query has the name of its text
  const row = useRef<HTMLUListElement>(null);
  useEffect(() => {
    row.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [shown, list.length]);
  return (
    <div class="document-strip">
      <nav class="document-nav" aria-label="Open tables and queries">
        <ul ref={row}>
          {list.map((document) => (
            <li key={`${document.view} ${document.name}`} class="document">
              <DocumentLink document={document} isShown={document === shown} />
            </li>
          ))}
        </ul>
      </nav>
      <button
        type="button"
        class="icon-button"
        aria-label="New query"
        title={tip('New query', 'query-new')}
        onClick={newQuery}
      >
        <Icon name="plus" size={16} />
      </button>
    </div>
  );
}

interface LinkProps {
  readonly document: OpenDocument;
  readonly isShown: boolean;
}

function DocumentLink({ document, isShown }: LinkProps) {
  const { view, name, params } = document;
  const title = titleOf(document);
  const edits = stagedIn(document);
  const about =
    view === 'sql'
      ? draftOf(database.value ?? '', name)
          .trim()
          .slice(0, 300) || title
      : name;
  return (
    <>
      <a
        class="document-link"
        href={linkTo({ view, params })}
        aria-current={isShown ? 'page' : undefined}
        aria-keyshortcuts="Delete"
        title={about}
        onKeyDown={(event) => {
          if (event.key !== 'Delete') return;
          event.preventDefault();
          void closeAndStay(document, event.currentTarget);
        }}
      >
        <Icon name={icons[view]} size={16} />
        <span class="document-title">{title}</span>
        {edits > 0 && <span class="document-edits" role="img" aria-label={editsText(edits)} title={editsText(edits)} />}
      </a>
      {/* Not a stop for the keyboard, which has Delete: twenty more of them would stand before the rows. */}
      <button
        type="button"
        class="document-close"
        tabIndex={-1}
        aria-label={`Close ${title}`}
        title={isShown ? tip('Close', 'document-close') : 'Close (Delete)'}
        onClick={() => void close(document)}
      >
        <Icon name="close" size={14} />
      </button>
    </>
  );
}

/** The focus goes on to the link that takes the place of the closed one. */
async function closeAndStay(document: OpenDocument, link: HTMLElement): Promise<void> {
  const place = link.closest('li');
  const heir = place?.nextElementSibling ?? place?.previousElementSibling;
  if (await close(document)) heir?.querySelector('a')?.focus();
}

function DocumentMenu() {
  const list = openDocuments.value;
  const shown = shownDocument.value;
  draftsKept.value;
  if (list.length === 0) return null;
  const items: MenuItem[] = list.map((document) => ({
    label: titleOf(document),
    icon: icons[document.view],
    isChecked: document === shown,
    ...(stagedIn(document) > 0 && { note: editsText(stagedIn(document)) }),
    run: () => show(document),
  }));
  items.push({ label: 'New query', icon: 'plus', startsGroup: true, isPinned: true, run: newQuery });
  if (shown !== undefined) {
    items.push({ label: `Close ${titleOf(shown)}`, icon: 'close', isPinned: true, run: () => void close(shown) });
  }
  return (
    <Menu label={`Open tables and queries: ${list.length}`} items={items}>
      <span class="document-count">{list.length}</span>
    </Menu>
  );
}

/** A query that is saved has the name under which it is. */
function titleOf({ view, name, number }: OpenDocument): string {
  if (view !== 'sql') return name;
  const db = database.value ?? '';
  const text = draftOf(db, name);
  const saved = text === '' ? undefined : savedOf(db).find(({ sql }) => sql === text);
  return saved?.name ?? `SQL ${number}`;
}

function editsText(edits: number): string {
  return edits === 1 ? '1 staged edit' : `${edits} staged edits`;
}

function useDocumentKeys(): void {
  /** What had the focus is gone: the new view takes it over. */
  const goOn = () => document.getElementById('main')?.focus();
  const isAside = () => document.querySelector('dialog[open]') !== null;
  const go = (by: 1 | -1) => {
    if (isAside() || !showNext(by)) return false;
    goOn();
  };
  useKey('document-next', () => go(1));
  useKey('document-previous', () => go(-1));
  useKey('document-close', () => {
    const shown = shownDocument.peek();
    if (shown === undefined || isAside()) return false;
    void close(shown).then((isClosed) => isClosed && goOn());
  });
  useKey('query-new', () => (isAside() ? false : newQuery()));
}
