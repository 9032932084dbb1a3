// A button that opens a menu (W3C APG menu button), and the menu alone for those who open it otherwise.
import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { lazy, tellUnloaded } from './lazy.tsx';
import type { MenuItem } from './menu-item.ts';

export type { MenuItem } from './menu-item.ts';

/** The open menu, for callers that open it otherwise than by a button. */
export const MenuList = lazy(() => import('./MenuList.tsx').then((module) => module.MenuList));

interface Props {
  readonly label: string;
  /** A function loads, when the menu opens, what tells the items; signals that this reads change the open menu. */
  readonly items: readonly MenuItem[] | (() => Promise<() => readonly MenuItem[]>);
  readonly children: ComponentChildren;
  readonly buttonClass?: string;
  readonly title?: string;
}

interface Open {
  readonly at: DOMRect;
  /** What was loaded. */
  readonly tell?: () => readonly MenuItem[];
}

export function Menu({ label, items, children, buttonClass = 'icon-button', title = label }: Props) {
  const [open, setOpen] = useState<Open | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const toggle = async () => {
    const at = button.current?.getBoundingClientRect();
    if (at === undefined) return;
    if (open !== null) {
      setOpen(null);
      button.current?.focus();
    } else if (typeof items !== 'function') setOpen({ at });
    else await items().then((tell) => setOpen({ at, tell }), tellUnloaded);
  };
  const shown = open?.tell?.() ?? (typeof items === 'function' ? [] : items);
  return (
    <>
      <button
        ref={button}
        type="button"
        class={buttonClass}
        aria-label={label}
        title={title}
        aria-haspopup="menu"
        aria-expanded={open !== null}
        aria-controls={open === null ? undefined : id}
        onPointerEnter={MenuList.preload}
        onClick={() => void toggle()}
      >
        {children}
      </button>
      {open !== null && (
        <MenuList
          id={id}
          label={label}
          items={shown}
          at={open.at}
          onClose={(returnFocus) => {
            setOpen(null);
            if (returnFocus) button.current?.focus();
          }}
        />
      )}
    </>
  );
}
