// The dialog of open-dialogs.ts `confirm`.
import { Dialog } from './Dialog.tsx';
import { openQuestion } from './open-dialogs.ts';

export function ConfirmDialog() {
  const question = openQuestion.value;
  if (question === null) return null;
  return (
    <Dialog
      title={question.title}
      size="small"
      onClose={() => question.answer(false)}
      actions={
        <>
          <button
            type="button"
            class="button"
            data-autofocus={question.isDangerous}
            onClick={() => question.answer(false)}
          >
            Cancel
          </button>
          <button
            type="button"
            data-autofocus={!question.isDangerous}
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
