// A value in a cell: its kind by colour, by word or by letter, so that NULL, '' and 'NULL' never look alike.
import type { StudioValue } from '../../../messages/studio/values.ts';
import { bytesOf, hasInvisible, kindOf, showInvisible, splitInvisible, textOf } from '../api/values.ts';
import { fileSize } from '../ui/sizes.ts';

const mostLetters = 400;

export function CellText({ value }: { readonly value: StudioValue }) {
  if (value === null) return <span class="value-null">NULL</span>;
  if (value === '') return <span class="value-note value-empty">empty</span>;
  const kind = kindOf(value);
  if (kind === 'blob') return <span class="value-note">BLOB {fileSize(bytesOf(value))}</span>;
  const text = textOf(value);
  const shown = text.length > mostLetters ? text.slice(0, mostLetters) : text;
  if (kind === 'integer' || kind === 'real') return <span class="value-number">{shown}</span>;
  return (
    <>
      {hasInvisible(shown) ? <Visible text={shown} /> : shown}
      {kind === 'bad text' && <span class="value-note"> not UTF-8</span>}
      {typeof value === 'object' && 'text' in value && <span class="value-note"> {fileSize(value.bytes)}</span>}
    </>
  );
}

/** Signs that stand for characters are told from the text by their colour. */
function Visible({ text }: { readonly text: string }) {
  const parts = splitInvisible(text);
  return (
    <>
      {parts.map((part, index) =>
        index % 2 === 1 ? (
          <i key={index} class="value-sign">
            {showInvisible(part)}
          </i>
        ) : (
          part
        ),
      )}
    </>
  );
}
