// Tables: the one that the URL names; on a phone first the list of them.
import { imports, importWanted } from '../export/wanted.ts';
import { isPhone } from '../layout.ts';
import { route } from '../location.ts';
import { canEdit, loadSchema, objectNamed, schema, schemaError } from '../session.ts';
import { ObjectList } from '../shell/ObjectList.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Problem } from '../ui/Problem.tsx';
import { TableView } from './TableView.tsx';
import '../styles/tables.css';

export default function TablesView() {
  const { db, params } = route.value;
  if (schemaError.value !== null) return <Problem error={schemaError.value} onRetry={() => void loadSchema()} />;
  if (db === null || schema.value === null) return <div class="loading" aria-busy="true" />;
  if (params.table === undefined) return isPhone.value ? <ObjectList /> : <NoTable />;
  const object = objectNamed(params.table);
  if (object === undefined) {
    return (
      <EmptyState icon="table" title="This table is not there">
        {schema.value.db} has no table or view of the name {params.table}.
      </EmptyState>
    );
  }
  return <TableView key={`${db}\n${object.name}\n${imports.value}`} db={db} object={object} />;
}

function NoTable() {
  const isEmpty = schema.value?.objects.every(({ group }) => group !== 'user');
  return (
    <EmptyState icon="table" title={isEmpty ? 'This database has no tables' : 'Choose a table'}>
      {isEmpty
        ? 'Make one in SQL, or import a file: CSV, JSON or JSON Lines.'
        : 'They are on the left. The key / finds one by its name.'}
      {isEmpty && canEdit.value && <ImportButton />}
    </EmptyState>
  );
}

function ImportButton() {
  return (
    <p>
      <button
        type="button"
        class="button primary"
        onClick={() => {
          importWanted.value = { db: schema.value?.db ?? '', table: null };
        }}
      >
        Import a file
      </button>
    </p>
  );
}
