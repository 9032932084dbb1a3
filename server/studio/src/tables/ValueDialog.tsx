// One value in full: read, edited as text, number, bytes or NULL, loaded from and saved to a file.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { errorText } from '../api/client.ts';
import {
  base64FromBytes,
  bytesFromHex,
  bytesOf,
  isCut,
  isSame,
  kindOf,
  textOf,
  type ValueKind,
  valueOfText,
} from '../api/values.ts';
import { copyText } from '../grid/copy.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { saveFile } from '../ui/save-file.ts';
import { fileSize } from '../ui/sizes.ts';
import { toastError } from '../ui/Toast.tsx';
import { readOnlyReason } from './access.ts';
import { editCell, storedValue } from './edit-rows.ts';
import { readCellBytes } from './requests.ts';
import type { TableModel } from './use-table.ts';

interface Props {
  readonly model: TableModel;
  readonly row: number;
  readonly column: number;
  /** What was typed so far in the cell. */
  readonly text?: string;
  readonly onClose: () => void;
}

/** Bytes whose hex can be edited; longer ones are replaced by a file. */
const mostHexBytes = 16 * 1024;
const shownText = 2 * 1024 * 1024;
const kinds: readonly ValueKind[] = ['text', 'integer', 'real', 'blob', 'null'];

export function ValueDialog({ model, row, column, text: typed, onClose }: Props) {
  const { object } = model;
  const described = object.columns[column];
  const [stored, setStored] = useState<StudioValue | undefined>(undefined);
  const [kind, setKind] = useState<ValueKind>('text');
  const [text, setText] = useState('');
  /** A file that was chosen as the new value. */
  const [file, setFile] = useState<Uint8Array | null>(null);
  const [error, setError] = useState<string | null>(null);
  /** Over a NULL the kind is what the typed text means in this column, until the user chooses one. */
  const isKindOpen = useRef(false);
  const isReadOnly = readOnlyReason(object) !== null || described?.generated !== null;

  useEffect(() => {
    const shown = model.rows.row(row)?.values[column] ?? null;
    const whole = isCut(shown) ? storedValue(model, row, column) : Promise.resolve(shown);
    whole.then(
      (value) => {
        setStored(value);
        isKindOpen.current = value === null;
        setKind(kindOf(value) === 'null' && typed !== undefined ? 'text' : kindOf(value));
        setText(typed ?? textOf(value));
      },
      (cause: unknown) => setError(errorText(cause)),
    );
  }, []);

  const name = described?.name ?? '';
  const result = stored === undefined ? undefined : valueFrom(kind, text, file, stored, described?.type ?? '');
  const keep = () => {
    if (result === undefined) return;
    if (result instanceof Error) return setError(result.message);
    if (stored !== undefined && !isSame(result, stored)) {
      editCell(model, row, column, result).catch((cause: unknown) => toastError(errorText(cause)));
    }
    onClose();
  };
  const isLongBlob = kind === 'blob' && stored != null && bytesOf(stored) > mostHexBytes && file === null;
  return (
    <Dialog
      title={`${name === '' ? '(no name)' : name}`}
      size="large"
      onClose={onClose}
      actions={
        <>
          <button type="button" class="button" disabled={stored == null} onClick={() => void copyText(text)}>
            Copy
          </button>
          <button
            type="button"
            class="button"
            disabled={stored == null}
            onClick={() => void download(model, row, column)}
          >
            Save to a file
          </button>
          <span class="spacer" />
          <button type="button" class="button" onClick={onClose}>
            {isReadOnly ? 'Close' : 'Cancel'}
          </button>
          {!isReadOnly && (
            <button type="button" class="button primary" disabled={stored === undefined} onClick={keep}>
              Stage the value <kbd>Ctrl+Enter</kbd>
            </button>
          )}
        </>
      }
    >
      {error !== null && (
        <p class="error-text" role="alert">
          {error}
        </p>
      )}
      {stored === undefined ? (
        error === null && <div class="loading" aria-busy="true" />
      ) : (
        <>
          <div class="value-line">
            <label>
              <span class="muted">Kind </span>
              <select
                value={kind}
                disabled={isReadOnly}
                onChange={(event) => {
                  isKindOpen.current = false;
                  setFile(null);
                  setError(null);
                  setKind(kinds.find((one) => one === event.currentTarget.value) ?? 'text');
                }}
              >
                {(kind === 'bad text' ? [...kinds, kind] : kinds).map((one) => (
                  <option key={one} value={one}>
                    {one === 'null' ? 'NULL' : one === 'blob' ? 'BLOB' : one}
                  </option>
                ))}
              </select>
            </label>
            <span class="muted">{stored === null ? '' : fileSize(bytesOf(stored))}</span>
            {described?.type !== '' && <span class="tag">{described?.type}</span>}
            {described?.notNull && <span class="tag">NOT NULL</span>}
            <span class="spacer" />
            {kind === 'text' && isJson(text) && !isReadOnly && (
              <button type="button" class="button quiet" onClick={() => setText(prettyJson(text))}>
                Indent the JSON
              </button>
            )}
            {kind === 'blob' && !isReadOnly && <FileField onFile={setFile} />}
          </div>
          {file !== null ? (
            <p class="muted">A file of {fileSize(file.length)} becomes the value.</p>
          ) : isLongBlob ? (
            <p class="muted">
              {fileSize(bytesOf(stored))} are too many to show. Save them to a file, or choose a file.
            </p>
          ) : (
            <textarea
              class="field value-field"
              data-autofocus
              aria-label={kind === 'blob' ? 'Bytes in hex' : 'Value'}
              spellcheck={false}
              placeholder={kind === 'null' ? 'NULL' : ''}
              readOnly={isReadOnly || kind === 'bad text' || text.length > shownText}
              value={kind === 'null' ? '' : text.length > shownText ? text.slice(0, shownText) : text}
              onInput={(event) => {
                const typed = withLineEnds(event.currentTarget.value, stored);
                setText(typed);
                if (isKindOpen.current || kind === 'null')
                  setKind(kindOf(valueOfText(typed, described?.type ?? '', stored)));
                setError(null);
              }}
              onKeyDown={(event) => {
                if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !isReadOnly) {
                  event.preventDefault();
                  event.stopPropagation();
                  keep();
                }
              }}
            />
          )}
          {text.length > shownText && <p class="muted">Only the beginning is shown: it is too long to edit here.</p>}
          {kind === 'text' && text === '' && <p class="muted">Empty text, which is not NULL.</p>}
        </>
      )}
    </Dialog>
  );
}

function FileField({ onFile }: { readonly onFile: (bytes: Uint8Array) => void }) {
  return (
    <label class="button">
      Choose a file
      <input
        class="visually-hidden"
        type="file"
        onChange={async (event) => {
          const [chosen] = event.currentTarget.files ?? [];
          if (chosen !== undefined) onFile(new Uint8Array(await chosen.arrayBuffer()));
        }}
      />
    </label>
  );
}

/** An Error says what is wrong with the text. */
function valueFrom(
  kind: ValueKind,
  text: string,
  file: Uint8Array | null,
  stored: StudioValue,
  type: string,
): StudioValue | Error {
  if (kind === 'null') return null;
  if (kind === 'bad text') return stored;
  if (file !== null) return { blob: base64FromBytes(file), bytes: file.length };
  if (kind === 'text') {
    if (kindOf(stored) === 'text' && text === textOf(stored)) return stored;
    return text;
  }
  if (kind === 'blob') {
    if (kindOf(stored) === 'blob' && text === textOf(stored)) return stored;
    const bytes = bytesFromHex(text);
    return bytes === null
      ? new Error('A BLOB is written in hex: two of 0-9 and a-f for each byte.')
      : { blob: base64FromBytes(bytes), bytes: bytes.length };
  }
  const value = valueOfText(text, 'NUMERIC', stored);
  if (kindOf(value) === kind) return value;
  if (kind === 'real' && kindOf(value) === 'integer') return { real: text.trim() };
  return new Error(`${type === '' ? 'This' : type}: ${JSON.stringify(text.slice(0, 40))} is not of the kind ${kind}.`);
}

/** A field of the browser knows \n alone. Text whose lines all end in \r\n keeps that. */
function withLineEnds(text: string, stored: StudioValue): string {
  const before = textOf(stored);
  const hasReturns = before.includes('\r\n') && !/[^\r]\n|^\n/.test(before);
  return hasReturns ? text.replaceAll('\n', '\r\n') : text;
}

function isJson(text: string): boolean {
  if (text.length > 200_000 || !/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Blanks alone change: numbers keep all their digits. */
function prettyJson(text: string): string {
  let depth = 0;
  const line = () => `\n${'  '.repeat(depth)}`;
  return text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]|\s+/g, (part) => {
    if (part === '{' || part === '[') {
      depth += 1;
      return part + line();
    }
    if (part === '}' || part === ']') {
      depth -= 1;
      return line() + part;
    }
    if (part === ',') return part + line();
    if (part === ':') return ': ';
    return part.startsWith('"') ? part : '';
  });
}

async function download(model: TableModel, row: number, column: number): Promise<void> {
  const name = model.object.columns[column]?.name ?? '';
  const source = model.rows.source(row);
  try {
    const bytes =
      source?.kind === 'row' && source.row.key !== null
        ? await readCellBytes(model.db, { table: model.object.name, key: source.row.key, column: name })
        : new Blob([textOf(model.rows.row(row)?.values[column] ?? null)]);
    saveFile(`${model.object.name}-${name}`, bytes);
  } catch (error) {
    toastError(errorText(error));
  }
}
