// The field within a cell. Enter keeps and goes down, Tab keeps and goes on, Escape leaves, a click elsewhere keeps.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { bindingFor } from '../keys.ts';

export type EditEnd = 'down' | 'next' | 'previous' | 'stay' | 'cancel' | 'large';

interface Props {
  readonly label: string;
  readonly text: string;
  readonly onEnd: (end: EditEnd, text: string) => void;
}

const ends: Readonly<Record<string, EditEnd>> = {
  'edit-commit': 'down',
  'edit-next': 'next',
  'edit-previous': 'previous',
  'edit-cancel': 'cancel',
  'edit-large': 'large',
};

export function CellEditor({ label, text, onEnd }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const ended = useRef(false);
  const end = (how: EditEnd) => {
    if (ended.current) return;
    ended.current = true;
    onEnd(how, field.current?.value ?? text);
  };
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <textarea
      ref={field}
      class="cell-editor"
      aria-label={`New value of ${label}`}
      rows={1}
      spellcheck={false}
      defaultValue={text}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.isComposing) return;
        const how = ends[bindingFor(event, 'Cell editor') ?? ''];
        if (how === undefined) return;
        event.preventDefault();
        end(how);
      }}
      onBlur={() => end('stay')}
      onCopy={(event) => event.stopPropagation()}
      onPaste={(event) => event.stopPropagation()}
    />
  );
}
