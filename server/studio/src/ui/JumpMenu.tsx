// The jump menu (`/` or Ctrl+K): a combobox by the W3C APG pattern. The focus stays in the field; arrows choose,
// Enter goes there, Escape closes.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Dialog } from './Dialog.tsx';
import { findTargets, type JumpTarget } from './jump-targets.ts';
import { jumpMenuOpen } from './open-dialogs.ts';

/** Others (keys, saved queries) add what they know: called with the text when it changes. */
export type JumpSource = (search: string) => readonly JumpTarget[];

interface Props {
  readonly sources: readonly JumpSource[];
}

export function JumpMenu({ sources }: Props) {
  const [search, setSearch] = useState('');
  const [chosen, setChosen] = useState(0);
  const listId = useId();
  const list = useRef<HTMLDivElement>(null);
  const found = findTargets(
    sources.flatMap((source) => source(search)),
    search,
  );
  const close = () => {
    jumpMenuOpen.value = false;
  };
  const go = (target: JumpTarget | undefined) => {
    if (target === undefined) return;
    close();
    window.location.hash = target.href;
  };
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen, search]);
  const onKeyDown = (event: KeyboardEvent) => {
    const last = found.length - 1;
    if (event.key === 'ArrowDown') setChosen(chosen >= last ? 0 : chosen + 1);
    else if (event.key === 'ArrowUp') setChosen(chosen <= 0 ? last : chosen - 1);
    else if (event.key === 'Home' && search === '') setChosen(0);
    else if (event.key === 'End' && search === '') setChosen(last);
    else if (event.key === 'Enter') go(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Jump to" onClose={close} size="medium">
      <input
        class="field jump-field"
        data-autofocus
        type="text"
        role="combobox"
        aria-label="Table, view, key or page"
        aria-expanded={found.length > 0}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={found.length > 0 ? `${listId}-${chosen}` : undefined}
        placeholder="Table, view, key or page"
        autocomplete="off"
        spellcheck={false}
        value={search}
        onInput={(event) => {
          setSearch(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div ref={list} id={listId} class="jump-list" role="listbox" aria-label="Found" tabIndex={-1}>
        {found.map((target, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the focus stays in the combobox, which has the keys
          <div
            key={target.id}
            id={`${listId}-${index}`}
            class="jump-item"
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onClick={() => go(target)}
          >
            <span class="jump-label">{target.label}</span>
            <span class="jump-kind">{target.kind}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p class="muted">Nothing has this name.</p>}
    </Dialog>
  );
}
