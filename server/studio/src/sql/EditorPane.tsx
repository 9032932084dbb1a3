// The place of the editor. CodeMirror comes with the first visit; until then the text stands in a plain field.
import { useEffect, useRef, useState } from 'preact/hooks';
import { schema } from '../session.ts';
import type { Editor, EditorOptions } from './editor.ts';

interface Props extends Pick<EditorOptions, 'text' | 'memory' | 'onChange' | 'onRun' | 'onRunAll' | 'onEscape'> {
  readonly onReady: (editor: Editor) => void;
  /** Before the editor goes. */
  readonly onLeave: (editor: Editor) => void;
}

export function EditorPane({ text, memory, onReady, onLeave, ...handlers }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(handlers);
  latest.current = handlers;
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    let editor: Editor | null = null;
    let isLeft = false;
    void import('./editor.ts').then(({ openEditor }) => {
      if (isLeft || place.current === null) return;
      editor = openEditor({
        parent: place.current,
        text,
        memory,
        schema: () => schema.peek(),
        onChange: (now) => latest.current.onChange(now),
        onRun: () => latest.current.onRun(),
        onRunAll: () => latest.current.onRunAll(),
        onEscape: () => latest.current.onEscape(),
      });
      setReady(true);
      onReady(editor);
      editor.focus();
    });
    return () => {
      isLeft = true;
      if (editor === null) return;
      onLeave(editor);
      editor.destroy();
    };
  }, []);
  return (
    <div class="sql-editor" ref={place}>
      {!isReady && <pre class="sql-editor-waiting">{text}</pre>}
    </div>
  );
}
