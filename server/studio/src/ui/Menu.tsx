// A button that opens a menu (W3C APG menu button), and the menu alone for those who open it otherwise.
import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { lazy } from './lazy.tsx';
import type { MenuItem } from './menu-item.ts';

export type { MenuItem } from './menu-item.ts';

/** The open menu, for callers that open it otherwise than by a button. */
export const MenuList = lazy(() => import('./MenuList.tsx').then((module) => module.MenuList));

interface Props {
  readonly label: string;
  /** A function is asked when the menu opens. */
  readonly items: readonly MenuItem[] | (() => Promise<readonly MenuItem[]>);
  readonly children: ComponentChildren;
  readonly buttonClass?: string;
  readonly title?: string;
}

interface Open {
  readonly at: DOMRect;
  /** Absent: those of the moment. */
  readonly items?: readonly MenuItem[];
}

export function Menu({ label, items, children, buttonClass = 'icon-button', title = label }: Props) {
  const [open, setOpen] = useState<Open | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const toggle = async () => {
    const at = button.current?.getBoundingClientRect();
    if (open !== null || at === undefined) setOpen(null);
    else setOpen(typeof items === 'function' ? { at, items: await items() } : { at });
  };
  const shown = open?.items ?? (typeof items === 'function' ? [] : items);
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
