// Makes a key that does not exist yet.
import { useState } from 'preact/hooks';
import { feedOf } from '../live/feed.ts';
import { FormDialog } from '../ui/FormDialog.tsx';
import { toast } from '../ui/Toast.tsx';
import { LifetimeField } from './LifetimeField.tsx';
import { isAddressable, KeyConflict, writeKey } from './requests.ts';
import { TypeField, type ValueType, valueProblem, valueTypes } from './TypeField.tsx';

interface Props {
  readonly db: string;
  readonly table: string;
  readonly onClose: () => void;
  readonly onMade: (key: string) => void;
}

export function NewKeyDialog({ db, table, onClose, onMade }: Props) {
  const [key, setKey] = useState('');
  const [text, setText] = useState('');
  const [type, setType] = useState<ValueType>('json');
  const [ttl, setTtl] = useState<number | null>(null);
  const problem = text === '' ? null : valueProblem(text, type);
  const save = async () => {
    if (!isAddressable(key)) return 'Give the key a name other than . and ..';
    const value = type === 'json' && text === '' ? 'null' : text;
    const wrong = valueProblem(value, type);
    if (wrong !== null) return wrong;
    try {
      feedOf(db).expectOwn();
      const bytes = new TextEncoder().encode(value);
      await writeKey({ db, table, key }, { bytes, contentType: valueTypes[type], ttl }, null);
    } catch (cause) {
      if (cause instanceof KeyConflict) return `There is a key ${key} already.`;
      throw cause;
    }
    toast({ text: `${key} is stored` });
    onMade(key);
    return undefined;
  };
  return (
    <FormDialog title="New key" action="Create" formClass="key-form" onClose={onClose} submit={save}>
      <label class="labelled">
        Name
        <input
          class="field mono"
          data-autofocus
          placeholder="cfg/theme"
          value={key}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
      </label>
      <label class="labelled">
        Value
        <textarea
          class="field"
          rows={6}
          placeholder={type === 'json' ? '{"mode": "dark"}' : ''}
          value={text}
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      {problem !== null && <p class="error-text">{problem}</p>}
      <div class="key-form-row">
        <TypeField type={type} onChange={setType} />
        <LifetimeField onChange={setTtl} />
      </div>
    </FormDialog>
  );
}
