// Calls back when a file changes, also when an editor replaces it by another file of that name.
import { once } from 'node:events';
import { watch } from 'chokidar';

/** Resolves once changes are seen, with the function that ends the watch. */
export async function watchFile(path: string, onChange: () => void): Promise<() => Promise<void>> {
  const watcher = watch(path, { ignoreInitial: true, awaitWriteFinish: { stabilityThreshold: 100, pollInterval: 20 } });
  watcher.on('add', onChange).on('change', onChange);
  await once(watcher, 'ready');
  return () => watcher.close();
}
