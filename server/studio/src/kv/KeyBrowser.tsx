// The left side of the keys view: choose a table, search, and the tree. The tree is read again when others have changed
// keys, never while the pointer is over it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useKey } from '../keys.ts';
import { Badge } from '../live/Badge.tsx';
import { useUnseen } from '../live/unseen.ts';
import { route, setParams } from '../location.ts';
import { canEdit } from '../session.ts';
import { oneOf, savedSignal } from '../storage.ts';
import { Icon } from '../ui/Icon.tsx';
import { Menu } from '../ui/Menu.tsx';
import { KeyTree } from './KeyTree.tsx';
import { NewKeyDialog } from './NewKeyDialog.tsx';
import { useKeptTree } from './use-kept-tree.ts';

const delimiters = [
  ['auto', 'Folders: by what the keys use'],
  ['/', 'Folders by /'],
  [':', 'Folders by :'],
  ['.', 'Folders by .'],
  ['none', 'A flat list'],
] as const;
type DelimiterChoice = (typeof delimiters)[number][0];

const chosenDelimiter = savedSignal<DelimiterChoice>(
  'key-delimiter',
  'auto',
  oneOf(...delimiters.map(([choice]) => choice)),
);
const searchPauseMs = 200;

interface Props {
  readonly db: string;
  readonly table: string;
  readonly tables: readonly string[];
}

export function KeyBrowser({ db, table, tables }: Props) {
  const [isMaking, setMaking] = useState(false);
  const { search = '', key } = route.value.params;
  const choice = chosenDelimiter.value;
  const box = useRef<HTMLDivElement>(null);
  const store = useKeptTree({ db, table, search }, choice === 'auto' ? null : choice === 'none' ? '' : choice, box);
  useEffect(() => {
    void store.start().then(() => (key === undefined ? undefined : store.reveal(key)));
    return () => store.stop();
  }, [store]);
  const isPointed = useRef(false);
  const isStale = useRef(false);
  const reload = () => {
    isStale.current = false;
    return store.reload();
  };
  const unseen = useUnseen(db, () => {
    if (!isPointed.current) return reload();
    isStale.current = true;
    return false;
  });
  const own = unseen.feed.count.value - unseen.feed.others.value;
  useEffect(() => {
    if (own > 0) void reload();
  }, [own]);
  return (
    <section class="key-browser" aria-label="Keys">
      <div class="key-browser-head">
        {tables.length > 1 ? (
          <select
            class="field"
            aria-label="Table of keys"
            value={table}
            onChange={(event) => setParams({ table: event.currentTarget.value, key: '', version: '' })}
          >
            {tables.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        ) : (
          <h2 class="key-table">{table}</h2>
        )}
        <Menu
          label="How keys are grouped"
          items={delimiters.map(([id, label]) => ({
            label,
            isChecked: choice === id,
            run: () => {
              chosenDelimiter.value = id;
            },
          }))}
        >
          <Icon name="more" />
        </Menu>
        {canEdit.value && (
          <button type="button" class="button" onClick={() => setMaking(true)}>
            <Icon name="plus" size={16} /> New key
          </button>
        )}
      </div>
      <SearchField search={search} />
      {/* The pointer only tells whether somebody is about to click: nothing can be done with it here. */}
      <div
        ref={box}
        class="key-tree-box"
        onPointerEnter={() => {
          isPointed.current = true;
        }}
        onPointerLeave={() => {
          isPointed.current = false;
          if (isStale.current) unseen.show();
        }}
      >
        <KeyTree store={store} selected={key} search={search} />
      </div>
      <div class="key-browser-foot">
        <Badge unseen={unseen} />
      </div>
      {isMaking && (
        <NewKeyDialog
          db={db}
          table={table}
          onClose={() => setMaking(false)}
          onMade={(made) => {
            setMaking(false);
            setParams({ key: made, version: '' });
            void store.reload().then(() => store.reveal(made));
          }}
        />
      )}
    </section>
  );
}

function SearchField({ search }: { readonly search: string }) {
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useKey('key-search', () => field.current?.focus());
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <input
      ref={field}
      class="field key-search"
      type="search"
      aria-label="Search keys"
      placeholder="Search keys"
      title="Keys that contain this text (f)"
      defaultValue={search}
      onInput={({ currentTarget: { value } }) => {
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setParams({ search: value }, { replace: true }), searchPauseMs);
      }}
    />
  );
}
