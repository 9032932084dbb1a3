// A question with two answers, awaited: `if (await confirm({...})) ...`.
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { Dialog } from './Dialog.tsx';

export interface Question {
  readonly title: string;
  readonly body: ComponentChildren;
  /** What the button says: a verb. */
  readonly action: string;
  readonly isDangerous?: boolean;
}

const open = signal<(Question & { readonly answer: (yes: boolean) => void }) | null>(null);

export function confirm(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    open.value = {
      ...question,
      answer: (yes) => {
        open.value = null;
        resolve(yes);
      },
    };
  });
}

/** Shown once by app.tsx. */
export function ConfirmDialog() {
  const question = open.value;
  if (question === null) return null;
  return (
    <Dialog
      title={question.title}
      size="small"
      onClose={() => question.answer(false)}
      actions={
        <>
          <button type="button" class="button" onClick={() => question.answer(false)}>
            Cancel
          </button>
          <button
            type="button"
            data-autofocus
            class={`button ${question.isDangerous ? 'danger' : 'primary'}`}
            onClick={() => question.answer(true)}
          >
            {question.action}
          </button>
        </>
      }
    >
      {question.body}
    </Dialog>
  );
}
