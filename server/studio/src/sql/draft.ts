// The text of the editor, one for each database. The URL's `sql` wins when a link is opened; what is typed stays here.
import { load, readText, save } from '../storage.ts';

export function draftOf(db: string): string {
  return load(`sql-draft:${db}`, readText) ?? '';
}

export function keepDraft(db: string, text: string): void {
  save(`sql-draft:${db}`, text === '' ? undefined : text);
}
