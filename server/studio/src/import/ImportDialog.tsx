// Import of a file: which one, how it is read, what it holds, and where its rows go.
import { useEffect, useRef, useState } from 'preact/hooks';
import { errorText, isAbort } from '../api/client.ts';
import { imports, importWanted } from '../export/wanted.ts';
import { navigate } from '../location.ts';
import { loadSchema, schema } from '../session.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Problem } from '../ui/Problem.tsx';
import { rowsText } from '../ui/sizes.ts';
import { toast } from '../ui/Toast.tsx';
import { TransferProgress } from '../ui/TransferProgress.tsx';
import { FileField } from './FileField.tsx';
import { formatOfFile, nameProblem, tableNameOf } from './file.ts';
import { ImportFields } from './ImportFields.tsx';
import { PreviewTable } from './PreviewTable.tsx';
import { type ImportPlan, sendImport } from './requests.ts';
import { usePreview } from './use-preview.ts';
import './import.css';

export function ImportDialog() {
  const wanted = importWanted.value;
  return wanted === null ? null : <Import key={wanted.db} {...wanted} />;
}

const formId = 'import-form';

function Import({ db, table }: { readonly db: string; readonly table: string | null }) {
  const [plan, setPlan] = useState<ImportPlan | null>(null);
  const [sent, setSent] = useState<number | null>(null);
  const [error, setError] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const preview = usePreview(plan);
  const taken = (schema.value?.objects ?? []).map(({ name }) => name);
  const wrongName = plan?.create ? nameProblem(plan.table, taken) : null;
  const close = () => {
    importWanted.value = null;
  };
  const choose = (file: File) => {
    setError(null);
    const how = plan ?? {
      db,
      header: true,
      delimiter: 'auto',
      create: table === null,
      table: table ?? '',
      types: null,
    };
    const name = how.create ? tableNameOf(file.name, taken) : how.table;
    setPlan({ ...how, file, delimiter: 'auto', format: formatOfFile(file.name), table: name, types: null });
  };
  const change = (changes: Partial<ImportPlan>) => {
    setError(null);
    if (plan !== null) setPlan({ ...plan, ...changes });
  };
  const start = async () => {
    if (plan === null || wrongName !== null) return;
    const abort = new AbortController();
    running.current = abort;
    setError(null);
    setSent(0);
    try {
      const { rows } = await sendImport(plan, { dryRun: false, signal: abort.signal, onSent: setSent });
      await loadSchema();
      imports.value += 1;
      toast({ text: `${rowsText(rows)} ${rows === 1 ? 'is' : 'are'} in ${plan.table}` });
      close();
      navigate({ view: 'tables', db, params: { table: plan.table } });
    } catch (cause) {
      if (isAbort(cause)) void loadSchema();
      else setError(errorText(cause));
    } finally {
      running.current = null;
      setSent(null);
    }
  };
  const found = preview.state === 'read' ? (preview.found.delimiter ?? 'comma') : 'comma';
  const isBusy = sent !== null;
  const isReady = preview.state === 'read' && wrongName === null && !isBusy;
  return (
    <Dialog
      title={table === null ? `Import a file into ${db}` : `Import rows into ${table || 'the table'}`}
      size="large"
      onClose={close}
      actions={
        <>
          <button type="button" class="button" onClick={() => (isBusy ? running.current?.abort() : close())}>
            Cancel
          </button>
          <button type="submit" form={formId} class="button primary" disabled={!isReady}>
            {preview.state === 'read' ? `Import ${rowsText(preview.found.rows)}` : 'Import'}
          </button>
        </>
      }
    >
      <form
        id={formId}
        class="transfer-form"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <FileField file={plan?.file ?? null} isDisabled={isBusy} onFile={choose} />
        {plan !== null && (
          <ImportFields plan={plan} found={found} problem={wrongName} isDisabled={isBusy} onChange={change} />
        )}
      </form>
      {preview.state === 'reading' && plan !== null && (
        <TransferProgress
          label={preview.sent < plan.file.size ? 'Sending the file for a preview' : 'The server reads the file'}
          bytes={preview.sent}
          total={preview.sent < plan.file.size ? plan.file.size : null}
        />
      )}
      {preview.state === 'failed' && <Problem error={preview.error} />}
      {preview.state === 'read' && plan !== null && (
        <PreviewTable
          found={preview.found}
          types={plan.types ?? preview.found.types}
          canChange={plan.create && !isBusy}
          onTypes={(types) => change({ types })}
        />
      )}
      {sent !== null && plan !== null && (
        <TransferProgress
          label={sent < plan.file.size ? 'Sending the file' : 'The server puts the rows in'}
          bytes={sent}
          total={sent < plan.file.size ? plan.file.size : null}
        />
      )}
      {error !== null && (
        <>
          <Problem error={error} />
          <p class="muted">Nothing came in: an import is one transaction.</p>
        </>
      )}
    </Dialog>
  );
}
