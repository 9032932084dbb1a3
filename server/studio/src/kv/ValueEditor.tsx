// Edits a value as text. It is saved only over the version that was read; if somebody else was faster, both are shown
// and the user decides.
import { useState } from 'preact/hooks';
import type { StudioKvValue } from '../../../messages/studio/keys.ts';
import { errorText } from '../api/client.ts';
import { toast } from '../ui/Toast.tsx';
import { DiffView } from './DiffView.tsx';
import { contentTypeOf, type KeyStore } from './key-store.ts';
import { compactJson, prettyJson } from './pretty-json.ts';
import { KeyConflict } from './requests.ts';
import { lifetimeOf } from './rollback.ts';
import { TypeField, type ValueType, valueProblem, valueTypes } from './TypeField.tsx';
import { isCut, textOfValue } from './value-text.ts';

interface Props {
  readonly store: KeyStore;
  readonly value: StudioKvValue;
  readonly onClose: () => void;
}

export function ValueEditor({ store, value, onClose }: Props) {
  // What editing began with: the value may change beneath, and then the user is asked.
  const [base] = useState(value);
  const [etag, setEtag] = useState(value.etag);
  const known = textOfValue(base);
  const [text, setText] = useState(known?.pretty ?? known?.text ?? '');
  const typeThen: ValueType = base.type === 'json' ? 'json' : 'text';
  const [type, setType] = useState<ValueType>(typeThen);
  const [conflict, setConflict] = useState<StudioKvValue | null>(null);
  const [error, setError] = useState<string | null>(null);
  if (known === undefined || isCut(base)) {
    return <ReplaceByFile store={store} value={base} onClose={onClose} />;
  }
  const problem = valueProblem(text, type);
  const save = async (over: string | null) => {
    if (problem !== null) return setError(problem);
    const stored = storedForm(text, known.text, type);
    const contentType = type === typeThen ? contentTypeOf(base) : valueTypes[type];
    try {
      const ttl = lifetimeOf(base, Date.now());
      await store.write({ bytes: new TextEncoder().encode(stored), contentType, ttl }, over);
      toast({ text: `${store.place.key} is stored` });
      onClose();
    } catch (cause) {
      if (!(cause instanceof KeyConflict)) return setError(errorText(cause));
      await store.load();
      setEtag(cause.etag);
      setConflict(store.value.peek());
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose();
    else if ((event.ctrlKey || event.metaKey) && (event.key === 's' || event.key === 'Enter')) void save(etag);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const theirs = conflict === null ? undefined : textOfValue(conflict);
  return (
    <section class="value-editor" aria-label="Edit the value" onKeyDown={onKeyDown}>
      {conflict !== null && (
        <div class="key-conflict" role="alert">
          <h2>Somebody else was faster</h2>
          <p>
            {conflict.exists
              ? 'This key was changed while you edited it. Nothing of either is lost: compare, then decide.'
              : 'This key was deleted while you edited it.'}
          </p>
          {conflict.exists && (
            <DiffView
              before={theirs?.pretty ?? theirs?.text ?? ''}
              after={text}
              labels={['theirs, stored now', 'yours']}
            />
          )}
        </div>
      )}
      <textarea
        class="field value-text"
        aria-label="Value"
        spellcheck={false}
        value={text}
        ref={(element) => {
          if (element !== null && document.activeElement === document.body) element.focus();
        }}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setError(null);
        }}
      />
      <div class="value-editor-foot">
        <TypeField type={type} onChange={setType} />
        <span class="error-text" role="status">
          {error ?? problem ?? ''}
        </span>
        <span class="spacer" />
        <button type="button" class="button" onClick={onClose}>
          {conflict === null ? 'Cancel' : 'Keep theirs'}
        </button>
        <button
          type="button"
          class="button primary"
          disabled={problem !== null}
          title={conflict === null ? 'Save (Ctrl+S)' : 'Theirs stays in the history'}
          onClick={() => void save(etag)}
        >
          {conflict === null ? 'Save' : 'Store mine as the newest'}
        </button>
      </div>
    </section>
  );
}

/** What was on one line stays on one line: the indentation is the editor's. */
function storedForm(text: string, before: string, type: ValueType): string {
  if (type !== 'json' || before === prettyJson(before)) return text;
  return before.includes('\n') ? text : (compactJson(text) ?? text);
}

interface ReplaceProps {
  readonly store: KeyStore;
  readonly value: StudioKvValue;
  readonly onClose: () => void;
}

/** Bytes and very long values are replaced as a whole. */
function ReplaceByFile({ store, value, onClose }: ReplaceProps) {
  const [error, setError] = useState<string | null>(null);
  const replace = async (file: File | undefined) => {
    if (file === undefined) return;
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      await store.write({ bytes, contentType: contentTypeOf(value), ttl: lifetimeOf(value, Date.now()) }, value.etag);
      toast({ text: `${store.place.key} is stored` });
      onClose();
    } catch (cause) {
      setError(errorText(cause));
    }
  };
  return (
    <div class="value-editor">
      <p>
        This value is not a text that can be edited here. A file can take its place; the old value stays in the history.
      </p>
      <input
        class="field"
        type="file"
        aria-label="File with the new value"
        onChange={(event) => void replace(event.currentTarget.files?.[0])}
      />
      {error !== null && (
        <p class="error-text" role="alert">
          {error}
        </p>
      )}
      <button type="button" class="button" onClick={onClose}>
        Cancel
      </button>
    </div>
  );
}
