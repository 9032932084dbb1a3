// The blocking chains as plain text, for a message to a colleague and for screen readers.
import { type Chain, type ChainNode, longestHold, longestWait } from './chain.ts';
import { containerName, duration, meaningOf, programName, wishOf } from './words.ts';

export function locksAsText(chains: readonly Chain[]): string {
  if (chains.every(({ roots }) => roots.length === 0)) return 'Nobody holds a lock.\n';
  return chains
    .filter(({ roots }) => roots.length > 0)
    .map(({ db, journal, roots }) =>
      [`${db} (journal: ${journal})`, ...roots.flatMap((root) => lines(root, 1))].join('\n'),
    )
    .map((text) => `${text}\n`)
    .join('\n');
}

/** `python3 (pid 811, container web-2) writes: WRITE, held 6.1 s` */
function nodeText(node: ChainNode): string {
  const { pid, container, holds, waits, alsoBehind } = node;
  const named = pid === 0 ? programName(node) : `${programName(node)} (pid ${pid}, ${containerName(container)})`;
  const held = holds.length > 0 ? `${meaningOf(holds)}: ${lockNames(holds)}, held ${duration(longestHold(holds))}` : '';
  const waited = waits[0]
    ? `${wishOf(waits[0].lock, waits[0].mode)}: ${lockNames(waits)}, ${duration(longestWait(waits))}`
    : '';
  const also = alsoBehind.length > 0 ? `, also behind pid ${alsoBehind.join(', ')}` : '';
  return `${named} ${[held, waited].filter((part) => part !== '').join('; ') || 'has it open'}${also}`;
}

export function lockNames(parties: readonly { readonly lock: string }[]): string {
  return [...new Set(parties.map(({ lock }) => lock))].join(' ');
}

function lines(node: ChainNode, depth: number): string[] {
  const place = node.place === null ? '' : `#${node.place} `;
  const line = `${'  '.repeat(depth)}${place}${nodeText(node)}`;
  return [line, ...node.children.flatMap((child) => lines(child, depth + 1))];
}
