// docs/troubleshooting.md explains every error message and every event of level warn or error that the source can
// print, and no event that it cannot.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const checkout = resolve(import.meta.dirname, '../..');
/** An item of the page is one line here: `- messages: cause. **Cure:** what to do`. */
const page = readFileSync(resolve(checkout, 'docs/troubleshooting.md'), 'utf8').replaceAll('\n  ', ' ');
const sources = ['daemon', 'fs', 'server'].flatMap((folder) =>
  readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join(checkout, folder, path), 'utf8')),
);

function found(pattern: RegExp): string[] {
  return [
    ...new Set(sources.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? ''))),
  ].sort();
}

/** What of a message is the same whenever it is printed: its longest part without a value put in. */
function constantPart(message: string): string {
  const parts = message.split(/\$\{[^}]*\}|"/).map((part) => part.trim());
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest));
}

const events = found(/\blog(?:\.(?:warn|error)\(|\(\s*'(?:warn|error)',)\s*'([^']+)'/g);
const messages = found(
  /(?:new CommandError\(\s*exitCodes\.\w+,|usageError\(|new FsError\(\s*[^,()]+,|takenError\()\s*(?:'((?:[^'\\]|\\.)+)'|`((?:[^`\\]|\\.)+)`)/g,
).map(constantPart);

test.each(events)('the event %s is explained', (event) => {
  expect(page).toContain(`\`${event}\``);
});

const explained = page
  .slice(page.indexOf('## Events in the log'))
  .split('\n')
  .filter((line) => line.startsWith('- '))
  .flatMap((item) => [...(item.split(': ')[0] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''));

test.each(explained)('the explained event %s exists', (event) => {
  expect(sources.some((text) => text.includes(`'${event}'`))).toBe(true);
});

test.each([...new Set(messages)])('the message "%s" is explained', (message) => {
  expect(page).toContain(message);
});

const items = page.split('\n').filter((line) => line.startsWith('- `'));

test('every item below the summary says what to do', () => {
  const summary = items.findIndex((item) => item.includes('journalctl -u'));
  expect(items.slice(summary + 1).filter((item) => !item.includes(' **Cure:** '))).toEqual([]);
  expect(items.length).toBeGreaterThan(80);
});
