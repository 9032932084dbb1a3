// Short messages in a corner: what was done, with Undo, or what failed. A failure stays until it is closed.
import { signal } from '@preact/signals';
import { Icon } from './Icon.tsx';
import { announce } from './LiveRegion.tsx';

export interface ToastMessage {
  readonly text: string;
  readonly kind?: 'done' | 'failed';
  readonly action?: { readonly label: string; readonly run: () => void };
}

interface Shown extends ToastMessage {
  readonly id: number;
}

const shown = signal<readonly Shown[]>([]);
const stayMs = 8000;
const most = 3;
let nextId = 1;

export function toast(message: ToastMessage): void {
  const id = nextId++;
  shown.value = [...shown.value, { ...message, id }].slice(-most);
  announce(message.text);
  if (message.kind !== 'failed') setTimeout(() => close(id), stayMs);
}

export function toastError(text: string): void {
  toast({ text, kind: 'failed' });
}

function close(id: number): void {
  shown.value = shown.value.filter((one) => one.id !== id);
}

/** Shown once by app.tsx. */
export function Toasts() {
  if (shown.value.length === 0) return null;
  return (
    <section class="toasts" aria-label="Messages">
      {shown.value.map(({ id, text, kind, action }) => (
        <div key={id} class={`toast${kind === 'failed' ? ' is-failed' : ''}`}>
          <Icon name={kind === 'failed' ? 'alert' : 'check'} />
          <p>{text}</p>
          {action !== undefined && (
            <button
              type="button"
              class="button quiet"
              onClick={() => {
                close(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <button type="button" class="icon-button" aria-label="Close the message" onClick={() => close(id)}>
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </section>
  );
}
