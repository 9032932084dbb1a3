// What the server makes of the file: asked anew whenever the file or how it is read changes.
import { useEffect, useState } from 'preact/hooks';
import type { StudioImported } from '../../../messages/studio/files.ts';
import { errorText, isAbort } from '../api/client.ts';
import { type ImportPlan, sendImport } from './requests.ts';

export type Preview =
  | { readonly state: 'none' }
  | { readonly state: 'reading'; readonly sent: number }
  | { readonly state: 'read'; readonly found: StudioImported }
  | { readonly state: 'failed'; readonly error: string };

/** The name of a new table changes nothing of what is found. */
const anyName = 'preview';

export function usePreview(plan: ImportPlan | null): Preview {
  const [preview, setPreview] = useState<Preview>({ state: 'none' });
  const identity =
    plan === null ? '' : [plan.format, plan.header, plan.delimiter, plan.create || plan.table].join('\n');
  useEffect(() => {
    if (plan === null) return setPreview({ state: 'none' });
    const abort = new AbortController();
    setPreview({ state: 'reading', sent: 0 });
    const asked = { ...plan, types: null, ...(plan.create && { table: anyName }) };
    const onSent = (sent: number) => setPreview({ state: 'reading', sent });
    sendImport(asked, { dryRun: true, signal: abort.signal, onSent }).then(
      (found) => setPreview({ state: 'read', found }),
      (error: unknown) => {
        if (!isAbort(error)) setPreview({ state: 'failed', error: errorText(error) });
      },
    );
    return () => abort.abort();
  }, [plan?.file, identity]);
  return preview;
}
