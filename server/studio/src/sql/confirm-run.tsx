// Asks before a statement runs that does more than its text shows.
import { confirm } from '../ui/open-dialogs.ts';
import { count } from '../ui/sizes.ts';
import type { Ask } from './runner.ts';

export const confirmRun: Ask = (reasons, sql, changes) =>
  confirm({
    title: 'Run this?',
    action: 'Run it',
    isDangerous: true,
    body: (
      <>
        <ul class="sql-reasons">
          {reasons.map((reason) => (
            <li key={reason}>{reason}.</li>
          ))}
        </ul>
        <pre class="value-card">{sql}</pre>
        <p>{changes === 1 ? '1 row changes.' : `${count(changes)} rows change.`}</p>
      </>
    ),
  });
