// Calls back when a file changes, also when an editor replaces it by another file of that name.
import { watch } from 'chokidar';

/** Resolves its result's call when the watch has ended. */
export function watchFile(path: string, onChange: () => void): () => Promise<void> {
  const watcher = watch(path, { ignoreInitial: true, awaitWriteFinish: { stabilityThreshold: 100, pollInterval: 20 } });
  watcher.on('add', onChange).on('change', onChange);
  return () => watcher.close();
}
