// What a run has answered: one tab for each result, the plan, and a chart of the result that is shown.
import { useEffect, useState } from 'preact/hooks';
import type { StudioPlan, StudioResult } from '../../../messages/studio/sql.ts';
import { get } from '../api/client.ts';
import { type Chart, formatChart, guessChart, parseChart } from '../chart/guess.ts';
import { exportWanted } from '../export/wanted.ts';
import { isPhone } from '../layout.ts';
import { route, setParams } from '../location.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Icon } from '../ui/Icon.tsx';
import { count, rowsText } from '../ui/sizes.ts';
import { Tabs } from '../ui/Tabs.tsx';
import { PlanTree } from './PlanTree.tsx';
import { ResultGrid } from './ResultGrid.tsx';
import type { Run, SqlFailure } from './runner.ts';

interface Props {
  readonly run: Run | null;
  readonly plan: StudioPlan | null;
}

export function Results({ run, plan }: Props) {
  if (run?.state === 'running') return <Waiting run={run} />;
  if (run?.failure) return <Failure failure={run.failure} />;
  const results = run?.results ?? [];
  if (results.length === 0 && plan === null) {
    return (
      <EmptyState icon="terminal" title={run?.state === 'cancelled' ? 'Cancelled' : 'Results come here'}>
        {run?.state === 'cancelled'
          ? 'Nothing was changed.'
          : isPhone.value
            ? 'Run does the statement at the cursor, Run all does all of them in one transaction.'
            : 'Ctrl+Enter runs the statement at the cursor, Ctrl+Shift+Enter all of them in one transaction.'}
      </EmptyState>
    );
  }
  return <Tabbed run={run} results={results} plan={plan} />;
}

interface TabbedProps extends Props {
  readonly results: readonly StudioResult[];
}

function Tabbed({ run, results, plan }: TabbedProps) {
  const { tab = '', chart = '' } = route.value.params;
  const lastRows = results.findLastIndex(({ kind }) => kind === 'rows');
  const chosen = /^\d+$/.test(tab) ? Number(tab) - 1 : lastRows === -1 ? results.length - 1 : lastRows;
  const shown = Math.max(0, Math.min(chosen, results.length - 1));
  const result = results[shown];
  const guessed = result === undefined ? null : guessChart(result.columns, result.rows);
  const isPlan = plan !== null && (tab === 'plan' || results.length === 0);
  const isChart = !isPlan && tab === 'chart' && result !== undefined && guessed !== null;
  const tabs = [
    ...results.map((one, at) => ({ id: String(at + 1), label: `Result ${at + 1}`, note: noteOf(one) })),
    ...(guessed === null ? [] : [{ id: 'chart', label: 'Chart' }]),
    ...(plan === null ? [] : [{ id: 'plan', label: 'Plan' }]),
  ];
  return (
    <div class="sql-results">
      <div class="sql-tabs">
        <Tabs
          label="Results"
          panelId="sql-result"
          tabs={tabs}
          selected={isPlan ? 'plan' : isChart ? 'chart' : String(shown + 1)}
          onSelect={(id) => setParams({ tab: id }, { replace: true })}
        />
        {run !== null && !isPlan && result?.kind === 'rows' && <ExportButton run={run} result={result} />}
      </div>
      <div id="sql-result" class="sql-result" role="tabpanel" aria-label="Result">
        {isPlan && plan !== null ? (
          <PlanTree plan={plan} />
        ) : isChart ? (
          <LazyChart result={result} chart={parseChart(chart, result.columns) ?? guessed} />
        ) : (
          result !== undefined && <OneResult key={shown} result={result} number={shown + 1} />
        )}
      </div>
    </div>
  );
}

/** The statement of this result alone, with the values that its parameters had. */
function ExportButton({ run, result }: { readonly run: Run; readonly result: StudioResult }) {
  const { db, sql, parameters } = run;
  return (
    <button
      type="button"
      class="button"
      title="All rows of this query as a file"
      onClick={() => {
        exportWanted.value = { kind: 'query', db, sql: sql.slice(result.start, result.end), parameters };
      }}
    >
      <Icon name="download" size={16} />
      Export
    </button>
  );
}

function noteOf({ kind, rows, more, changes }: StudioResult): string {
  if (kind === 'rows') return `${count(rows.length)}${more ? '+' : ''}`;
  return kind === 'write' ? `${count(changes)} changed` : 'done';
}

function OneResult({ result, number }: { readonly result: StudioResult; readonly number: number }) {
  if (result.kind !== 'rows' && result.columns.length === 0) {
    const what = result.kind === 'write' ? `${rowsText(result.changes)} changed` : 'Done';
    return (
      <EmptyState icon="check" title={what}>
        {result.ms} ms
      </EmptyState>
    );
  }
  return (
    <>
      {result.more && (
        <p class="sql-more" role="note">
          The first {count(result.rows.length)} rows are shown. Export the query for all of them.
        </p>
      )}
      <ResultGrid result={result} label={`Result ${number}`} />
    </>
  );
}

function LazyChart({ result, chart }: { readonly result: StudioResult; readonly chart: Chart }) {
  const [View, setView] = useState<typeof import('../chart/ChartView.tsx').default | null>(null);
  useEffect(() => {
    void import('../chart/ChartView.tsx').then((module) => setView(() => module.default));
  }, []);
  if (View === null) return <div class="loading" aria-busy="true" />;
  return (
    <View
      columns={result.columns}
      rows={result.rows}
      chart={chart}
      onChange={(next) => setParams({ chart: formatChart(next) }, { replace: true })}
    />
  );
}

function Failure({ failure }: { readonly failure: SqlFailure }) {
  const { message, hint, holder } = failure;
  return (
    <div class="problem" role="alert">
      <Icon name="alert" />
      <div>
        <p>{message}</p>
        {hint !== undefined && <p class="muted">{hint}</p>}
        {holder !== undefined && (
          <p>
            <strong>{holder.command}</strong> (pid {holder.pid}, {holder.container}) holds {holder.lock}.
          </p>
        )}
        <p class="muted">Nothing was changed: all statements of a run stand in one transaction.</p>
      </div>
    </div>
  );
}

interface Locks {
  readonly databases: readonly {
    readonly holders: readonly {
      readonly command: string;
      readonly pid: number;
      readonly container: string;
      readonly lock: string;
      readonly mode: string;
      readonly heldMs: number;
    }[];
    readonly waiters: readonly unknown[];
  }[];
}

const askMs = 500;
/** Younger runs are likely to end before a word about them could be read. */
const quietMs = 700;

/** How long a run has taken so far, and who holds the database while it waits. */
function Waiting({ run }: { readonly run: Run }) {
  const [ms, setMs] = useState(0);
  const [holder, setHolder] = useState<Locks['databases'][number]['holders'][number] | undefined>();
  useEffect(() => {
    const timer = setInterval(() => {
      const waited = Date.now() - run.startedAt;
      setMs(waited);
      if (waited < quietMs) return;
      get<Locks>('locks', { db: run.db }).then(
        ({ databases: [locks] }) =>
          setHolder(
            locks && locks.waiters.length > 0 ? locks.holders.find(({ mode }) => mode === 'exclusive') : undefined,
          ),
        () => undefined, // without a mount nobody knows
      );
    }, askMs);
    return () => clearInterval(timer);
  }, [run]);
  return (
    <div class="sql-waiting" aria-live="polite">
      <div class="loading" aria-busy="true" />
      {ms >= quietMs && (
        <p>
          {(ms / 1000).toFixed(1)} s
          {holder !== undefined && (
            <>
              {' '}
              - waits for <strong>{holder.command}</strong> (pid {holder.pid}, {holder.container}), which holds{' '}
              {holder.lock} for {(holder.heldMs / 1000).toFixed(1)} s
            </>
          )}
        </p>
      )}
    </div>
  );
}
