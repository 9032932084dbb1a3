// The variables that systemd gives the service: /etc/default/hoody-sqlite, read as EnvironmentFile= of systemd.exec(5).
import { readFileSync } from 'node:fs';

/** Named by the unit. */
export const environmentFile = '/etc/default/hoody-sqlite';

/** None where the file does not exist. @throws the error of reading it */
export function readEnvironmentFile(path: string): Record<string, string> {
  try {
    return parseEnvironmentFile(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/**
 * Lines NAME=VALUE; comments begin with # or ;, a backslash at the end joins the next line, quotes hold a value
 * together.
 */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const lines = text.replaceAll('\\\n', '').split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = /^\s*([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, unquoted((value ?? '').trim())]];
    }),
  );
}

function unquoted(value: string): string {
  if (/^'[^']*'$/.test(value)) return value.slice(1, -1);
  const inner = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1];
  return (inner ?? value).replaceAll(/\\(.)/g, '$1');
}
