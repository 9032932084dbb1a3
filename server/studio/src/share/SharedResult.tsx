// The result of a shared query: as a chart where it was shared as one, and as rows.
import { useEffect, useState } from 'preact/hooks';
import type { StudioSharedView } from '../../../messages/studio/shares.ts';
import type { StudioResult } from '../../../messages/studio/sql.ts';
import { guessChart, parseChart } from '../chart/guess.ts';
import { ResultGrid } from '../sql/ResultGrid.tsx';
import { Tabs } from '../ui/Tabs.tsx';

interface Props {
  readonly view: Extract<StudioSharedView, { readonly kind: 'sql' }>;
  readonly result: StudioResult;
}

export function SharedResult({ view, result }: Props) {
  const guessed = guessChart(result.columns, result.rows);
  const chart = view.chart === undefined ? null : (parseChart(view.chart, result.columns) ?? guessed);
  const [tab, setTab] = useState<'chart' | 'rows' | 'sql'>(chart === null ? 'rows' : 'chart');
  const [View, setView] = useState<typeof import('../chart/ChartView.tsx').default | null>(null);
  useEffect(() => {
    if (chart !== null) void import('../chart/ChartView.tsx').then((module) => setView(() => module.default));
  }, []);
  const tabs = [
    ...(chart === null ? [] : [{ id: 'chart' as const, label: 'Chart' }]),
    { id: 'rows' as const, label: 'Rows', note: `${result.rows.length}${result.more ? '+' : ''}` },
    { id: 'sql' as const, label: 'Query' },
  ];
  return (
    <div class="shared-result">
      <Tabs label="How it is shown" panelId="shared-result" tabs={tabs} selected={tab} onSelect={setTab} />
      <div id="shared-result" class="shared-panel" role="tabpanel" aria-label="Result">
        {tab === 'sql' && <pre class="value-card">{view.sql}</pre>}
        {tab === 'rows' && <ResultGrid result={result} label="Rows" />}
        {tab === 'chart' && chart !== null && View !== null && (
          <View columns={result.columns} rows={result.rows} chart={chart} />
        )}
      </div>
    </div>
  );
}
