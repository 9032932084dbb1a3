// The names of the parameters in a text of SQL, as SQLite reads them, a moment after the text was changed.
import { useEffect, useState } from 'preact/hooks';
import type { StudioParameters } from '../../../messages/studio/sql.ts';
import { post } from '../api/client.ts';

/** Wait so long after a key before the parameters are read anew. */
const readParametersMs = 400;

export function useParameterNames(text: string): readonly string[] {
  const [names, setNames] = useState<readonly string[]>([]);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (!/[?:@$#]/.test(text)) return setNames([]);
      void post<StudioParameters>('studio/parameters', {}, { sql: text }).then(
        (answer) => setNames(answer.names),
        () => undefined, // half a statement: the fields stay as they are
      );
    }, readParametersMs);
    return () => clearTimeout(timer);
  }, [text]);
  return names;
}
