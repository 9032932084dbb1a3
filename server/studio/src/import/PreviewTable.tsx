// The first rows of the file as the server read them, and the types of their columns.
import type { StudioImported } from '../../../messages/studio/files.ts';
import { CellText } from '../grid/CellText.tsx';
import { rowsText } from '../ui/sizes.ts';
import { columnTypes } from './file.ts';

interface Props {
  readonly found: StudioImported;
  readonly types: readonly string[];
  /** Of a new table the types can be chosen. */
  readonly canChange: boolean;
  readonly onTypes: (types: readonly string[]) => void;
}

export function PreviewTable({ found, types, canChange, onTypes }: Props) {
  const { columns, rows, preview = [] } = found;
  const shown = rows > preview.length ? `the first ${preview.length} of ${rowsText(rows)}` : rowsText(rows);
  return (
    <div>
      <p class="import-caption">
        {columns.length} {columns.length === 1 ? 'column' : 'columns'}, {shown}
        {canChange && <span class="muted"> - the types are guessed from the values: change what is wrong</span>}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <section class="import-preview" aria-label="First rows of the file" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {columns.map((name, at) => (
                <th key={at} scope="col">
                  <span class="import-name">{name === '' ? '(no name)' : name}</span>
                  <TypeOf
                    name={name}
                    type={types[at] ?? ''}
                    canChange={canChange}
                    onType={(type) => onTypes(types.map((other, place) => (place === at ? type : other)))}
                  />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {preview.map((row, at) => (
              <tr key={at}>
                {row.map((value, place) => (
                  <td key={place}>
                    <CellText value={value} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

interface TypeProps {
  readonly name: string;
  readonly type: string;
  readonly canChange: boolean;
  readonly onType: (type: string) => void;
}

function TypeOf({ name, type, canChange, onType }: TypeProps) {
  if (!canChange) return <span class="muted">{type.toLowerCase()}</span>;
  return (
    <select
      class="field import-type"
      aria-label={`Type of ${name}`}
      value={type}
      onChange={({ currentTarget }) => onType(currentTarget.value)}
    >
      {columnTypes.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}
