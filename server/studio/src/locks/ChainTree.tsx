// Draws the blocking chain of one database as nested lists. Held, waiting and reading are told by word and shape.
import { lockNames } from './as-text.ts';
import { below, type Chain, type ChainNode, longestHold, longestWait } from './chain.ts';
import { containerName, duration, meaningOf, programName, wishOf } from './words.ts';

interface Props {
  readonly chain: Chain;
  readonly showsDb: boolean;
  readonly onChoose: (pid: number) => void;
}

export function ChainTree({ chain, showsDb, onChoose }: Props) {
  const { db, journal, roots, idle } = chain;
  return (
    <section class="chain" aria-label={`Blocking chain of ${db}`}>
      <h2 class="chain-title">
        {showsDb ? db : 'Who blocks whom'} <span class="tag">journal: {journal}</span>
      </h2>
      {roots.length === 0 && <p class="muted">Nobody reads or writes at the moment.</p>}
      <ul class="chain-list">
        {roots.map((root) => (
          <Node key={root.pid} node={root} onChoose={onChoose} />
        ))}
      </ul>
      {idle.length > 0 && (
        <details class="chain-idle">
          <summary>
            {idle.length === 1 ? '1 program has it open and holds' : `${idle.length} programs have it open and hold`}{' '}
            nothing
          </summary>
          <ul class="chain-list">
            {idle.map((node) => (
              <Node key={node.pid} node={node} onChoose={onChoose} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

interface NodeProps {
  readonly node: ChainNode;
  readonly onChoose: (pid: number) => void;
}

function Node({ node, onChoose }: NodeProps) {
  const { pid, container, holds, waits, place, alsoBehind, children } = node;
  const [wait] = waits;
  const behind = below(node);
  const isHead = place === null && behind > 0;
  const state = isHead ? 'head' : wait ? 'waits' : holds.some(({ mode }) => mode === 'exclusive') ? 'writes' : 'reads';
  return (
    <li class="chain-item">
      <button
        type="button"
        class={`chain-node is-${state}`}
        title="Show all that is known of it"
        onClick={() => onChoose(pid)}
      >
        <span class="chain-mark" aria-hidden="true" />
        <span class="chain-who">
          <b>{programName(node)}</b>
          {pid !== 0 && (
            <span class="muted">
              pid {pid}, {containerName(container)}
            </span>
          )}
        </span>
        <span class="chain-what">
          {wait ? wishOf(wait.lock, wait.mode) : meaningOf(holds)}
          <span class="chain-locks">{lockNames(wait ? waits : holds)}</span>
        </span>
        <span class="chain-time">
          {wait ? (
            <>
              waits {duration(longestWait(waits))}
              {place !== null && <span class="tag">#{place} in line</span>}
            </>
          ) : (
            holds.length > 0 && <>held {duration(longestHold(holds))}</>
          )}
        </span>
        {isHead && (
          <span class="chain-head-note">
            blocks {behind} {behind === 1 ? 'program' : 'programs'}
          </span>
        )}
        {alsoBehind.length > 0 && <span class="chain-also">also behind pid {alsoBehind.join(', ')}</span>}
      </button>
      {children.length > 0 && (
        <ul class="chain-list">
          {children.map((child) => (
            <Node key={child.pid} node={child} onChoose={onChoose} />
          ))}
        </ul>
      )}
    </li>
  );
}
