// Links along foreign keys: to the row that is referred to, and to the rows that refer to this one. Those are counted
// one relation after the other, each for a bounded time, and never read.
import { useEffect, useState } from 'preact/hooks';
import type { StudioCount } from '../../../messages/studio/rows.ts';
import type { StudioRelation } from '../../../messages/studio/schema.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { isCut, kindOf, textOf } from '../api/values.ts';
import { linkTo } from '../location.ts';
import { objectNamed } from '../session.ts';
import { Icon } from '../ui/Icon.tsx';
import { count as grouped } from '../ui/sizes.ts';
import { countRows } from './requests.ts';
import { type Chip, formatQuery, selectionOf, type TableQuery } from './table-query.ts';
import type { TableModel } from './use-table.ts';

/** The rows of `table` whose columns have these values; null where a value is NULL or cannot be a filter. */
function queryFor(columns: readonly string[], values: readonly StudioValue[]): TableQuery | null {
  const chips = columns.map((column, at): Chip | null => {
    const value = values[at] ?? null;
    const isPlain = value !== null && !isCut(value) && kindOf(value) !== 'blob' && kindOf(value) !== 'bad text';
    return isPlain ? { column, operator: '=', text: textOf(value) } : null;
  });
  const usable = chips.filter((chip) => chip !== null);
  return usable.length === columns.length ? { chips: usable, where: '', sort: [] } : null;
}

function valuesOf(model: TableModel, values: readonly StudioValue[], names: readonly string[]): StudioValue[] {
  return names.map((name) => values[model.object.columns.findIndex((column) => column.name === name)] ?? null);
}

interface LinkProps {
  readonly model: TableModel;
  readonly relation: StudioRelation;
  readonly values: readonly StudioValue[];
}

/** To the row that this one refers to. */
export function ReferenceLink({ model, relation, values }: LinkProps) {
  const query = queryFor(relation.tableColumns, valuesOf(model, values, relation.columns));
  if (query === null) return null;
  return (
    <a class="relation" href={linkTo({ view: 'tables', params: { table: relation.table, ...formatQuery(query) } })}>
      <Icon name="link" size={15} />
      {relation.columns.join(', ')}: row of <strong>{relation.table}</strong>
    </a>
  );
}

export function Relations({ model, values }: Omit<LinkProps, 'relation'>) {
  const relations = model.object.referencedBy;
  const [counts, setCounts] = useState<readonly (StudioCount | null)[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    void (async () => {
      const found: (StudioCount | null)[] = [];
      for (const relation of relations) {
        if (abort.signal.aborted) return;
        found.push(await countOf(model, relation, values, abort.signal));
        setCounts([...found]);
      }
    })();
    return () => abort.abort();
  }, []);
  if (relations.length === 0) return null;
  return (
    <section class="relations">
      <h3>Referenced by</h3>
      {relations.map((relation, at) => {
        const query = queryFor(relation.tableColumns, valuesOf(model, values, relation.columns));
        const found = counts[at];
        return query === null ? null : (
          <a
            key={relation.table + relation.tableColumns.join('\n')}
            class="relation"
            href={linkTo({ view: 'tables', params: { table: relation.table, ...formatQuery(query) } })}
          >
            <Icon name="table" size={15} />
            <strong>{relation.table}</strong> {relation.tableColumns.join(', ')}
            <span class="count">
              {found === undefined
                ? '...'
                : found === null
                  ? ''
                  : `${found.exact ? '' : 'at least '}${grouped(found.rows)}`}
            </span>
          </a>
        );
      })}
    </section>
  );
}

async function countOf(
  model: TableModel,
  relation: StudioRelation,
  values: readonly StudioValue[],
  signal: AbortSignal,
): Promise<StudioCount | null> {
  const other = objectNamed(relation.table);
  const query = queryFor(relation.tableColumns, valuesOf(model, values, relation.columns));
  if (other === undefined || query === null) return null;
  return countRows(model.db, selectionOf(other.name, other.columns, query), signal).catch(() => null);
}
