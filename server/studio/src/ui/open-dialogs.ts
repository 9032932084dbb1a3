// Which of the page's own dialogs are open. Apart from the dialogs, whose code is loaded when they are first opened.
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

export const jumpMenuOpen = signal(false);
export const helpOpen = signal(false);

/** The database whose ways in for programs are shown. */
export const usedDatabase = signal<{ readonly db: string; readonly path: string } | null>(null);

export function openJumpMenu(): void {
  jumpMenuOpen.value = true;
}

export function openHelp(): void {
  helpOpen.value = true;
}

/** A question with two answers. */
export interface Question {
  readonly title: string;
  readonly body: ComponentChildren;
  /** What the button says: a verb. */
  readonly action: string;
  readonly isDangerous?: boolean;
}

export const openQuestion = signal<(Question & { readonly answer: (yes: boolean) => void }) | null>(null);

/** Awaited: `if (await confirm({...})) ...`. */
export function confirm(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    openQuestion.value = {
      ...question,
      answer: (yes) => {
        openQuestion.value = null;
        resolve(yes);
      },
    };
  });
}
