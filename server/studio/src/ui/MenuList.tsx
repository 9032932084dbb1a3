// An open menu (W3C APG menu): arrows move, Home and End jump, a letter finds, Escape closes, and so does whatever the
// user does elsewhere. What the page does meanwhile does not close it: if it takes the focus, the menu takes it back.
// Loaded when the first one opens.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './Icon.tsx';
import type { MenuItem } from './menu-item.ts';

export interface MenuListProps {
  readonly id?: string;
  readonly label: string;
  readonly items: readonly MenuItem[];
  /** The rectangle that it stands below, in the window. */
  readonly at: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
  /** `returnFocus`: the caller should put the focus back where it was. */
  readonly onClose: (returnFocus: boolean) => void;
}

export function MenuList({ id, label, items, at, onClose }: MenuListProps) {
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    element.showPopover?.();
    place(element, at);
    focusFirst(element);
  }, [at]);
  useLayoutEffect(() => {
    // The item with the focus may have gone: its name has changed.
    if (list.current !== null && document.activeElement === document.body) focusFirst(list.current);
  });
  useClosedFromOutside(list, id, onClose);
  const entries = () => [
    ...(list.current?.querySelectorAll<HTMLButtonElement>('[role^=menuitem]:not(:disabled)') ?? []),
  ];
  const move = (step: number | 'first' | 'last') => {
    const all = entries();
    const now = all.indexOf(document.activeElement as HTMLButtonElement);
    const next = step === 'first' ? 0 : step === 'last' ? all.length - 1 : (now + step + all.length) % all.length;
    all[next]?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { key } = event;
    if (key === 'ArrowDown') move(1);
    else if (key === 'ArrowUp') move(-1);
    else if (key === 'Home') move('first');
    else if (key === 'End') move('last');
    else if (key === 'Escape') onClose(true);
    else if (key === 'Tab') return onClose(true);
    else if (key.length === 1 && key !== ' ') findByLetter(entries(), key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      ref={list}
      id={id}
      class="menu"
      role="menu"
      tabIndex={-1}
      aria-label={label}
      popover="manual"
      onKeyDown={onKeyDown}
    >
      <div class="menu-items" role="none">
        {items
          .filter(({ isPinned }) => isPinned !== true)
          .map((item) => (
            <Item key={item.label} {...{ item, onClose }} />
          ))}
      </div>
      {items
        .filter(({ isPinned }) => isPinned === true)
        .map((item) => (
          <Item key={item.label} {...{ item, onClose }} />
        ))}
    </div>
  );
}

function roleOf({ isChecked }: MenuItem) {
  if (isChecked === undefined) return { role: 'menuitem' } as const;
  return { role: 'menuitemradio', 'aria-checked': isChecked } as const;
}

interface ItemProps {
  readonly item: MenuItem;
  readonly onClose: MenuListProps['onClose'];
}

function Item({ item, onClose }: ItemProps) {
  return (
    <button
      type="button"
      {...roleOf(item)}
      tabIndex={-1}
      disabled={item.isDisabled}
      class={`menu-item${item.isDangerous ? ' is-dangerous' : ''}${item.startsGroup ? ' starts-group' : ''}`}
      onClick={() => {
        onClose(true);
        item.run();
      }}
    >
      <span class="menu-mark">
        {item.isChecked ? <Icon name="check" size={16} /> : item.icon && <Icon name={item.icon} size={16} />}
      </span>
      <span class="menu-label">{item.label}</span>
      {item.note !== undefined && <span class="menu-note">{item.note}</span>}
    </button>
  );
}

function focusFirst(menu: HTMLElement): void {
  const chosen = menu.querySelector<HTMLElement>('[aria-checked=true]:not(:disabled)');
  (chosen ?? menu.querySelector<HTMLElement>('[role^=menuitem]:not(:disabled)'))?.focus();
}

/** Its own button closes it by itself. */
function useClosedFromOutside(
  list: { readonly current: HTMLElement | null },
  id: string | undefined,
  onClose: MenuListProps['onClose'],
): void {
  const latest = useRef(onClose);
  latest.current = onClose;
  // At once: what takes the focus before the next frame is met as well.
  useLayoutEffect(() => {
    const isOutside = (target: EventTarget | null) =>
      target instanceof Element && !list.current?.contains(target) && target.getAttribute('aria-controls') !== id;
    const onPointer = ({ target }: PointerEvent) => {
      if (isOutside(target instanceof Element ? (target.closest('[aria-controls]') ?? target) : target)) {
        latest.current(false);
      }
    };
    // After the event, when the new place of the focus is known.
    const onFocusMoved = () =>
      setTimeout(() => {
        const menu = list.current;
        if (menu === null || !document.hasFocus() || menu.contains(document.activeElement)) return;
        if (document.activeElement?.closest('dialog') != null) latest.current(false);
        else focusFirst(menu);
      });
    document.addEventListener('pointerdown', onPointer, true);
    document.addEventListener('focusout', onFocusMoved);
    document.addEventListener('focusin', onFocusMoved);
    return () => {
      document.removeEventListener('pointerdown', onPointer, true);
      document.removeEventListener('focusout', onFocusMoved);
      document.removeEventListener('focusin', onFocusMoved);
    };
  }, []);
}

function findByLetter(all: readonly HTMLElement[], letter: string): void {
  const now = all.indexOf(document.activeElement as HTMLElement);
  const order = [...all.slice(now + 1), ...all.slice(0, now + 1)];
  order.find(({ textContent }) => textContent?.toLowerCase().startsWith(letter.toLowerCase()))?.focus();
}

const edge = 8;

/** Below its button, moved into the window where it would stand out. CSSOM, which a strict CSP allows. */
function place(element: HTMLElement, at: MenuListProps['at']): void {
  const { width, height } = element.getBoundingClientRect();
  const left = Math.max(edge, Math.min(at.left, window.innerWidth - width - edge));
  const below = at.bottom + 4;
  const fits = below + height + edge <= window.innerHeight;
  element.style.left = `${left}px`;
  element.style.top = `${fits ? below : Math.max(edge, at.top - height - 4)}px`;
}
