// What happens when a key of key-table.ts is pressed, and how its name stands in tooltips.
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import {
  type Binding,
  type BindingId,
  bindings,
  isSingleKey,
  type KeyPress,
  keyName,
  type Scope,
} from './key-table.ts';
import { readBoolean, savedSignal } from './storage.ts';

export { type BindingId, bindings, isSingleKey, keyName, type Scope } from './key-table.ts';

const byId = new Map<string, Binding>(bindings.map((binding) => [binding.id, binding]));

/** Single letters and sequences can be switched off, for users whose speech input would press them. */
export const singleKeys = savedSignal('single-keys', true, readBoolean);

/** The first key of a sequence that was pressed, e.g. `g`. */
const pending = signal<string | null>(null);
const sequenceMs = 1200;

/** The binding of a scope that a key press means, or undefined. */
export function bindingFor(event: KeyPress, scope: Scope): BindingId | undefined {
  const name = keyName(event);
  if (isSingleKey(name) && !singleKeys.peek()) return undefined;
  return bindings.find((binding) => binding.scope === scope && (binding.keys as readonly string[]).includes(name))?.id;
}

const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** The first key of a binding as a user reads it. */
export function keyText(id: BindingId): string {
  const key = byId.get(id)?.keys[0] ?? '';
  return isMac ? key.replaceAll('Ctrl+', '\u2318').replaceAll('Shift+', '\u21e7').replaceAll('Alt+', '\u2325') : key;
}

/** A tooltip that names its key: `Review SQL (Ctrl+S)`. */
export function tip(text: string, id: BindingId): string {
  return `${text} (${keyText(id)})`;
}

// biome-ignore lint/suspicious/noConfusingVoidType: most handlers return nothing
type Handler = (event: KeyboardEvent) => boolean | undefined | void;

const handlers: { readonly id: BindingId; readonly handle: Handler }[] = [];

/** Handlers that came last are asked first; one that returns false leaves the key to the next. */
function onKey(id: BindingId, handle: Handler): () => void {
  const entry = { id, handle };
  handlers.push(entry);
  return () => {
    handlers.splice(handlers.indexOf(entry), 1);
  };
}

/** onKey for as long as the component is shown. */
export function useKey(id: BindingId, handle: Handler): void {
  const latest = useRef(handle);
  latest.current = handle;
  useLayoutEffect(() => onKey(id, (event) => latest.current(event)), [id]); // before the next key can come
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input, textarea, select, [contenteditable="true"]') !== null)
  );
}

function run(name: string, event: KeyboardEvent): boolean {
  for (const { id, handle } of [...handlers].reverse()) {
    const binding = byId.get(id);
    if (!binding?.keys.includes(name)) continue;
    if (handle(event) !== false) return true;
  }
  return false;
}

let sequenceTimer: ReturnType<typeof setTimeout> | undefined;

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const name = keyName(event);
  const first = pending.peek();
  pending.value = null;
  if (isSingleKey(name)) {
    if (isTyping(event.target) || !singleKeys.peek() || document.querySelector('dialog[open]') !== null) return;
    if ((first !== null && run(`${first} ${name}`, event)) || run(name, event)) {
      event.preventDefault();
      return;
    }
    if (!bindings.some(({ keys }) => keys.some((key) => key.startsWith(`${name} `)))) return;
    pending.value = name;
    clearTimeout(sequenceTimer);
    sequenceTimer = setTimeout(() => {
      pending.value = null;
    }, sequenceMs);
    return;
  }
  if (run(name, event)) event.preventDefault();
}

/** Called once by main.tsx. */
export function listenForKeys(): void {
  window.addEventListener('keydown', onKeyDown);
}
