// Writes the man page and the completions into dist/share, in the folders of /usr/share. Part of `npm run build`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commands } from '../dist/daemon/cli/command-table.js';
import { bashCompletion } from '../dist/daemon/cli/completion-bash.js';
import { fishCompletion } from '../dist/daemon/cli/completion-fish.js';
import { zshCompletion } from '../dist/daemon/cli/completion-zsh.js';
import { manPage } from '../dist/daemon/cli/man-page.js';
import { installedVersion } from '../dist/daemon/version.js';

const files = {
  'man/man1/hoody-sqlite.1': manPage(commands, installedVersion()),
  'bash-completion/completions/hoody-sqlite': bashCompletion(commands),
  'zsh/vendor-completions/_hoody-sqlite': zshCompletion(commands),
  'fish/vendor_completions.d/hoody-sqlite.fish': fishCompletion(commands),
};

for (const [name, text] of Object.entries(files)) {
  const path = join(import.meta.dirname, '../dist/share', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
