// Puts text on the clipboard and says so.
import { toast, toastError } from './Toast.tsx';

/** `done` is what the toast says. */
export async function copyText(text: string, done: string): Promise<void> {
  try {
    if (navigator.clipboard !== undefined) await navigator.clipboard.writeText(text);
    else copyBySelection(text);
    toast({ text: done });
  } catch {
    toastError('The browser does not allow to copy. Select the text and copy it by hand.');
  }
}

/** Browsers offer navigator.clipboard on https and localhost only. */
function copyBySelection(text: string): void {
  const area = document.createElement('textarea');
  area.value = text;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (!copied) throw new Error('refused');
}
