// What a table or view is made of: columns, foreign keys, indexes, triggers, and its SQL.
import type { ComponentChildren } from 'preact';
import type { StudioColumn, StudioObject } from '../../../messages/studio/schema.ts';
import { copyText } from '../grid/copy.ts';
import { isPhone } from '../layout.ts';
import { linkTo, route } from '../location.ts';
import { loadSchema, objectNamed, schema, schemaError } from '../session.ts';
import { ObjectList } from '../shell/ObjectList.tsx';
import { BackLink } from '../ui/BackLink.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Problem } from '../ui/Problem.tsx';
import { toast } from '../ui/Toast.tsx';
import '../styles/structure.css';

export default function StructureView() {
  const { table } = route.value.params;
  if (schemaError.value !== null) return <Problem error={schemaError.value} onRetry={() => void loadSchema()} />;
  if (schema.value === null) return <div class="loading" aria-busy="true" />;
  const object = objectNamed(table);
  if (object !== undefined) return <Structure object={object} />;
  if (table !== undefined) return <EmptyState icon="columns" title={`There is no table ${table}`} />;
  return isPhone.value ? (
    <ObjectList />
  ) : (
    <EmptyState icon="columns" title="Choose a table">
      Its columns, indexes, triggers and SQL are shown here.
    </EmptyState>
  );
}

function Structure({ object }: { readonly object: StudioObject }) {
  const { name, columns, references, referencedBy, indexes, triggers } = object;
  return (
    <div class="page structure">
      <header class="structure-head">
        {isPhone.value && <BackLink label="All tables" />}
        <h1>{name}</h1>
        {traitsOf(object).map((trait) => (
          <span key={trait} class="tag">
            {trait}
          </span>
        ))}
        <span class="spacer" />
        <a class="button" href={linkTo({ view: 'tables', params: { table: name } })}>
          <Icon name="table" size={16} />
          Rows
        </a>
      </header>
      <Part title="Columns">
        <Table head={['Column', 'Type', 'Default', 'Notes']}>
          {columns.map((column) => (
            <tr key={column.name}>
              <th scope="row">{column.name === '' ? '(no name)' : column.name}</th>
              <td>{column.type}</td>
              <td>{column.defaultSql}</td>
              <td>{notesOf(column).join(', ')}</td>
            </tr>
          ))}
        </Table>
      </Part>
      {references.length > 0 && (
        <Part title="Refers to">
          <Table head={['Columns', 'Table', 'Its columns']}>
            {references.map((one) => (
              <tr key={one.columns.join('\n') + one.table}>
                <th scope="row">{one.columns.join(', ')}</th>
                <td>
                  <a href={linkTo({ view: 'structure', params: { table: one.table } })}>{one.table}</a>
                </td>
                <td>{one.tableColumns.join(', ')}</td>
              </tr>
            ))}
          </Table>
        </Part>
      )}
      {referencedBy.length > 0 && (
        <Part title="Referenced by">
          <Table head={['Table', 'Its columns', 'Columns here']}>
            {referencedBy.map((one) => (
              <tr key={one.table + one.tableColumns.join('\n')}>
                <th scope="row">
                  <a href={linkTo({ view: 'structure', params: { table: one.table } })}>{one.table}</a>
                </th>
                <td>{one.tableColumns.join(', ')}</td>
                <td>{one.columns.join(', ')}</td>
              </tr>
            ))}
          </Table>
        </Part>
      )}
      {indexes.length > 0 && (
        <Part title="Indexes">
          <Table head={['Index', 'Columns', 'Notes']}>
            {indexes.map((index) => (
              <tr key={index.name}>
                <th scope="row">{index.name}</th>
                <td>{index.columns.map((column) => column ?? '(expression)').join(', ')}</td>
                <td>
                  {[index.unique ? 'unique' : '', index.sql === null ? 'automatic' : ''].filter(Boolean).join(', ')}
                </td>
              </tr>
            ))}
          </Table>
        </Part>
      )}
      <Part title="SQL">
        <Sql sql={object.sql} />
        {indexes.flatMap(({ name: index, sql }) => (sql === null ? [] : [<Sql key={index} sql={sql} />]))}
      </Part>
      {triggers.length > 0 && (
        <Part title="Triggers">
          {triggers.map((trigger) => (
            <Sql key={trigger.name} sql={trigger.sql} />
          ))}
        </Part>
      )}
    </div>
  );
}

function traitsOf({ type, strict, withoutRowid, key, group }: StudioObject): string[] {
  return [
    type,
    group === 'system' ? 'system' : '',
    strict ? 'STRICT' : '',
    withoutRowid ? 'WITHOUT ROWID' : '',
    key === null ? 'no key' : key.kind === 'rowid' ? 'rows by rowid' : '',
  ].filter((trait) => trait !== '');
}

function notesOf({ primaryKey, notNull, generated }: StudioColumn): string[] {
  const key = primaryKey > 0 ? `key${primaryKey > 1 ? ` (${primaryKey})` : ''}` : '';
  return [key, notNull ? 'NOT NULL' : '', generated === null ? '' : `generated, ${generated}`].filter(
    (note) => note !== '',
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="structure-part">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Table({ head, children }: { readonly head: readonly string[]; readonly children: ComponentChildren }) {
  return (
    <div class="structure-scroll">
      <table class="structure-table">
        <thead>
          <tr>
            {head.map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function Sql({ sql }: { readonly sql: string }) {
  return (
    <div class="structure-sql">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{sql}</pre>
      <button
        type="button"
        class="icon-button"
        aria-label="Copy the SQL"
        title="Copy the SQL"
        onClick={() => void copyText(sql).then(() => toast({ text: 'Copied the SQL.' }))}
      >
        <Icon name="copy" size={16} />
      </button>
    </div>
  );
}
