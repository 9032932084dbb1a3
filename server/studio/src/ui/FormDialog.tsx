// A dialog that asks for a few things and does one: Cancel, the button that does it, and what went wrong.
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { errorText } from '../api/client.ts';
import { Dialog } from './Dialog.tsx';

interface Props {
  readonly title: string;
  /** What the button says: a verb. */
  readonly action: string;
  readonly size?: 'small' | 'medium' | 'large';
  /** Class of the form. */
  readonly formClass?: string;
  readonly isDisabled?: boolean;
  readonly onClose: () => void;
  /** Does it, and closes the dialog. Answers what the user has to change, or nothing. What it throws is shown, too. */
  readonly submit: () => Promise<string | undefined>;
  readonly children: ComponentChildren;
}

export function FormDialog({
  title,
  action,
  size = 'medium',
  formClass,
  isDisabled,
  onClose,
  submit,
  children,
}: Props) {
  const [problem, setProblem] = useState<string | undefined>();
  const id = useId();
  const send = async (event: Event) => {
    event.preventDefault();
    setProblem(await submit().catch(errorText));
  };
  return (
    <Dialog
      title={title}
      size={size}
      onClose={onClose}
      actions={
        <>
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form={id} class="button primary" disabled={isDisabled}>
            {action}
          </button>
        </>
      }
    >
      <form id={id} class={formClass} onSubmit={(event) => void send(event)}>
        {children}
        {problem !== undefined && (
          <p class="error-text" role="alert">
            {problem}
          </p>
        )}
      </form>
    </Dialog>
  );
}
