// Export of a table, of a query, or of the whole database: what, how, and how far it is.
import { useEffect, useRef, useState } from 'preact/hooks';
import { errorText, isAbort } from '../api/client.ts';
import { schema } from '../session.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Problem } from '../ui/Problem.tsx';
import { fileSize } from '../ui/sizes.ts';
import { toast } from '../ui/Toast.tsx';
import { TransferProgress } from '../ui/TransferProgress.tsx';
import { download, type Progress } from './download.ts';
import { ExportFields } from './ExportFields.tsx';
import { type ExportChoices, exportRequest, fileNameOf, isFiltered } from './request.ts';
import { chooseTarget, largeBytes } from './target.ts';
import { type ExportWanted, exportWanted } from './wanted.ts';

export function ExportDialog() {
  const wanted = exportWanted.value;
  return wanted === null ? null : <Export wanted={wanted} />;
}

const formId = 'export-form';

function Export({ wanted }: { readonly wanted: ExportWanted }) {
  const [choices, setChoices] = useState<ExportChoices>(() => firstChoices(wanted));
  const [progress, setProgress] = useState<Progress | null>(null);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const close = () => {
    exportWanted.value = null;
  };
  const save = async () => {
    const abort = new AbortController();
    running.current = abort;
    setError(null);
    try {
      const name = fileNameOf(wanted, choices.format);
      const target = await chooseTarget(name, bytesOf(wanted) >= largeBytes);
      setProgress({ bytes: 0, total: null });
      const [method, path, body] = asked(wanted, choices);
      const options = { query: { db: wanted.db }, signal: abort.signal, ...body };
      const bytes = await download(method, path, options, target, setProgress);
      toast({ text: `${name} is saved: ${fileSize(bytes)}` });
      close();
    } catch (cause) {
      if (!isAbort(cause)) setError(errorText(cause));
    } finally {
      running.current = null;
      setProgress(null);
    }
  };
  const isBusy = progress !== null;
  return (
    <Dialog
      title={titleOf(wanted)}
      size="small"
      onClose={close}
      actions={
        <>
          <button type="button" class="button" onClick={() => (isBusy ? running.current?.abort() : close())}>
            Cancel
          </button>
          <button type="submit" form={formId} class="button primary" disabled={isBusy} data-autofocus>
            {wanted.kind === 'file' ? 'Download' : 'Export'}
          </button>
        </>
      }
    >
      <form
        id={formId}
        class="transfer-form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {wanted.kind === 'file' ? (
          <p>
            One file of about {fileSize(wanted.bytes)} that opens with any SQLite. It has all that is committed now,
            also what still stands in the WAL. Nobody waits for it.
          </p>
        ) : (
          <ExportFields wanted={wanted} choices={choices} isDisabled={isBusy} onChange={setChoices} />
        )}
      </form>
      {progress !== null && (
        <TransferProgress label={progress.bytes === 0 ? 'The server writes the file' : 'Receiving'} {...progress} />
      )}
      {error !== null && <Problem error={error} />}
    </Dialog>
  );
}

function firstChoices(wanted: ExportWanted): ExportChoices {
  const onlyFiltered = wanted.kind === 'table' && isFiltered(wanted.selection);
  return {
    format: 'csv',
    onlyFiltered,
    onlyShown: true,
    withGenerated: false,
    guardFormulas: false,
    delimiter: 'comma',
  };
}

function titleOf(wanted: ExportWanted): string {
  if (wanted.kind === 'file') return `Download ${wanted.db}`;
  return wanted.kind === 'query' ? 'Export the result' : `Export ${wanted.object.name || 'the table'}`;
}

/** About; a table is hardly larger than its database. */
function bytesOf(wanted: ExportWanted): number {
  return wanted.kind === 'file' ? wanted.bytes : (schema.peek()?.bytes ?? 0);
}

function asked(wanted: ExportWanted, choices: ExportChoices): [string, string, { readonly body?: unknown }] {
  if (wanted.kind === 'file') return ['GET', 'studio/file', {}];
  return ['POST', 'studio/export', { body: exportRequest(wanted, choices) }];
}
