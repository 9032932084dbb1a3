// EXPLAIN QUERY PLAN as an indented tree. A scan of a whole table is marked by a word.
import type { StudioPlan } from '../../../messages/studio/sql.ts';

export function PlanTree({ plan }: { readonly plan: StudioPlan }) {
  return (
    <div class="sql-plan">
      <Branch plan={plan} parent={0} />
    </div>
  );
}

function Branch({ plan, parent }: { readonly plan: StudioPlan; readonly parent: number }) {
  const nodes = plan.nodes.filter((node) => node.parent === parent && node.id !== parent);
  if (nodes.length === 0) return null;
  return (
    <ul>
      {nodes.map((node) => (
        <li key={node.id}>
          <code>{node.detail}</code>
          {/^SCAN (?!.*USING .*INDEX)/.test(node.detail) && <span class="tag sql-scan">reads every row</span>}
          <Branch plan={plan} parent={node.id} />
        </li>
      ))}
    </ul>
  );
}
