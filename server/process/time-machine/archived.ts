// Whose commits are kept, as the options say it. Whether the archive can follow a database is another matter.
import { relative } from 'node:path';
import type { ServerOptions } from '../../index.ts';
import { isInside } from '../../messages/paths.ts';

export function archivedBy({ archive, root }: Pick<ServerOptions, 'archive' | 'root'>): (path: string) => boolean {
  if (archive === null) return () => false;
  const patterns = (sources: readonly string[]) => sources.map((source) => new RegExp(source, 's'));
  const [included, excluded] = [patterns(archive.included), patterns(archive.excluded)];
  const isOneOf = (of: readonly RegExp[], name: string) => of.some((pattern) => pattern.test(name));
  if (included.length + excluded.length === 0) return (path) => isInside(path, root);
  return (path) => {
    const name = relative(root, path);
    return isInside(path, root) && (included.length === 0 || isOneOf(included, name)) && !isOneOf(excluded, name);
  };
}
