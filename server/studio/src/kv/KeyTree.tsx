// Draws the tree of keys (W3C APG tree): one tab stop, arrows move and open, Enter chooses. The last row of an
// incomplete level loads what is missing.
import { useRef, useState } from 'preact/hooks';
import { setParams } from '../location.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Icon } from '../ui/Icon.tsx';
import { count } from '../ui/sizes.ts';
import { type TreeRow, treeRows } from './tree.ts';
import type { TreeStore } from './tree-store.ts';

interface Props {
  readonly store: TreeStore;
  readonly selected: string | undefined;
  /** What is searched for; '' shows the tree. */
  readonly search: string;
}

export function KeyTree({ store, selected, search }: Props) {
  const rows = treeRows(store.tree.value);
  const list = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const isComplete = store.tree.value.levels.get('')?.state === 'ready';
  if (rows.length === 0 && isComplete) {
    return search !== '' ? (
      <div class="key-none">
        <p>No key of now contains this text.</p>
        <button type="button" class="button" onClick={() => setParams({ key: search, version: '' })}>
          <Icon name="history" size={16} /> Look for a deleted key of this name
        </button>
      </div>
    ) : (
      <EmptyState icon="key" title="No keys">
        This table is empty. Create a key, or let a program write one.
      </EmptyState>
    );
  }
  const active = rows.find(({ id }) => id === focused) ?? rows.find((row) => isSelected(row, selected)) ?? rows[0];
  const focus = (row: TreeRow | undefined) => {
    if (row === undefined) return;
    setFocused(row.id);
    requestAnimationFrame(() => {
      const element = list.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(row.id)}"]`);
      element?.focus();
      element?.scrollIntoView({ block: 'nearest' });
    });
  };
  const act = (row: TreeRow) => {
    if (row.kind === 'key') setParams({ key: row.key, version: '' });
    else if (row.kind === 'prefix') void store.toggle(row.prefix);
    else if (row.kind === 'more') void store.load(row.level, row.after);
    else if (row.kind === 'failed') void store.load(row.level);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const place = rows.findIndex(({ id }) => id === active?.id);
    const row = rows[place];
    if (row === undefined) return;
    const parent = () => rows.find((other) => other.kind === 'prefix' && other.prefix === row.level);
    const isPrefix = row.kind === 'prefix';
    if (event.key === 'ArrowDown') focus(rows[place + 1]);
    else if (event.key === 'ArrowUp') focus(rows[place - 1]);
    else if (event.key === 'Home') focus(rows[0]);
    else if (event.key === 'End') focus(rows.at(-1));
    else if (event.key === 'Enter' || event.key === ' ') act(row);
    else if (event.key === 'ArrowRight' && isPrefix) row.open ? focus(rows[place + 1]) : act(row);
    else if (event.key === 'ArrowLeft') isPrefix && row.open ? act(row) : focus(parent());
    else return;
    event.preventDefault();
  };
  return (
    <div ref={list} class="key-tree" role="tree" aria-label="Keys by prefix" onKeyDown={onKeyDown}>
      {rows.map((row) => (
        <Row
          key={row.id}
          row={row}
          isActive={row.id === active?.id}
          isSelected={isSelected(row, selected)}
          onAct={() => {
            setFocused(row.id);
            act(row);
          }}
        />
      ))}
    </div>
  );
}

function isSelected(row: TreeRow, selected: string | undefined): boolean {
  return row.kind === 'key' && row.key === selected;
}

interface RowProps {
  readonly row: TreeRow;
  readonly isActive: boolean;
  readonly isSelected: boolean;
  readonly onAct: () => void;
}

function Row({ row, isActive, isSelected: selected, onAct }: RowProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree handles the keys of all its items
    <div
      role="treeitem"
      class={`key-row is-${row.kind}`}
      data-row={row.id}
      data-depth={Math.min(row.depth, 8)}
      aria-level={row.depth + 1}
      aria-expanded={row.kind === 'prefix' ? row.open : undefined}
      aria-selected={selected}
      tabIndex={isActive ? 0 : -1}
      title={row.kind === 'key' ? row.key : row.kind === 'prefix' ? row.prefix : undefined}
      onClick={onAct}
    >
      <RowText row={row} />
    </div>
  );
}

function RowText({ row }: { readonly row: TreeRow }) {
  switch (row.kind) {
    case 'prefix':
      return (
        <>
          <Icon name="chevronRight" size={14} />
          <span class="key-label">{row.label}</span>
          <span class="count">
            {count(row.keys)}
            {row.more ? '+' : ''}
          </span>
        </>
      );
    case 'key':
      return (
        <>
          <span class="key-label">{row.label === '' ? '(the prefix itself)' : row.label}</span>
          {row.entry.expires !== null && (
            <span class="key-expires" title={`Expires ${row.entry.expires}`}>
              <Icon name="clock" size={13} />
              <span class="visually-hidden">expires</span>
            </span>
          )}
          <span class="tag">{row.entry.type}</span>
        </>
      );
    case 'more':
      return (
        <span class="key-more">
          {row.shown === 0 ? 'Nothing found so far.' : `${count(row.shown)} shown, there are more.`} <u>Load more</u>
        </span>
      );
    case 'failed':
      return (
        <span class="error-text">
          {row.error} <u>Try again</u>
        </span>
      );
    default:
      return <span class="muted">Loading ...</span>;
  }
}
