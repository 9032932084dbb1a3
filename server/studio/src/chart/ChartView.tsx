// A result as a chart: the choice of columns above, the drawing, and the same numbers as a table for those who cannot
// see it. uPlot draws on a canvas; it is loaded with this file.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { theme } from '../theme.ts';
import { count, counted } from '../ui/sizes.ts';
import './chart.css';
import { type Chart, chartKinds } from './guess.ts';
import { labelPlan } from './label-axis.ts';
import { type Series, seriesOf } from './series.ts';

interface Props {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly StudioValue[])[];
  readonly chart: Chart;
  /** Absent: the choice is fixed, as in a shared view. */
  readonly onChange?: (chart: Chart) => void;
}

export default function ChartView({ columns, rows, chart, onChange }: Props) {
  const series = seriesOf(chart, columns, rows);
  return (
    <div class="chart-view">
      {onChange !== undefined && <Choice columns={columns} chart={chart} onChange={onChange} />}
      <Drawing chart={chart} series={series} />
      {series.left > 0 && <p class="chart-note muted">{counted(series.left, 'row is', 'rows are')} not shown.</p>}
      <DataTable chart={chart} series={series} />
    </div>
  );
}

function Choice({ columns, chart, onChange }: Required<Pick<Props, 'columns' | 'chart' | 'onChange'>>) {
  const isCounted = chart.kind === 'histogram';
  const toggle = (name: string) => {
    const y = chart.y.includes(name) ? chart.y.filter((one) => one !== name) : [...chart.y, name];
    if (y.length > 0) onChange({ ...chart, y });
  };
  return (
    <div class="chart-choice">
      <label class="labelled">
        Chart
        <select
          class="field"
          value={chart.kind}
          onChange={({ currentTarget }) => {
            const kind = chartKinds.find((known) => known === currentTarget.value) ?? 'bar';
            const y = chart.y.length > 0 ? chart.y : columns.filter((name) => name !== chart.x).slice(0, 1);
            onChange({ kind, x: chart.x, y: y.length > 0 ? y : [chart.x] });
          }}
        >
          {chartKinds.map((kind) => (
            <option key={kind} value={kind}>
              {kind}
            </option>
          ))}
        </select>
      </label>
      <label class="labelled">
        {isCounted ? 'Counts' : 'Across'}
        <select
          class="field"
          value={chart.x}
          onChange={({ currentTarget }) => onChange({ ...chart, x: currentTarget.value })}
        >
          {columns.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {!isCounted && (
        <fieldset class="chart-ups">
          <legend>Up</legend>
          {columns
            .filter((name) => name !== chart.x)
            .map((name) => (
              <label key={name} class="check">
                <input type="checkbox" checked={chart.y.includes(name)} onChange={() => toggle(name)} />
                {name}
              </label>
            ))}
        </fieldset>
      )}
    </div>
  );
}

const systemDark = window.matchMedia('(prefers-color-scheme: dark)');

/** uPlot puts its legend below the height that it is given. */
const legendPx = 34;

/** In this order; each is told apart in both themes and by most colour-blind eyes. */
const strokes = ['--accent', '--number', '--warn', '--danger', '--good'] as const;

function Drawing({ chart, series }: { readonly chart: Chart; readonly series: Series }) {
  const place = useRef<HTMLDivElement>(null);
  const shown = `${theme.value} ${useTurnsOfSystem()}`;
  useEffect(() => {
    const parent = place.current;
    if (parent === null) return;
    const size = () => ({
      width: Math.max(240, parent.clientWidth),
      height: Math.max(150, parent.clientHeight - legendPx),
    });
    const plot = new uPlot({ ...optionsOf(chart, series), ...size() }, dataOf(series), parent);
    const observer = new ResizeObserver(() => plot.setSize(size()));
    observer.observe(parent);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [JSON.stringify(chart), series.x.length, JSON.stringify(series.y), shown]);
  const words = `${chart.kind} chart of ${series.y.map(({ name }) => name).join(', ')} by ${chart.x}`;
  return (
    <div ref={place} class="chart-drawing" role="img" aria-label={`${words}; the numbers stand in the table below`} />
  );
}

/**
 * Another number each time the system turns dark or light: what was drawn has to be drawn again. Whether it is dark is
 * not asked, since Chromium tells nobody of a turn that was read before its event.
 */
function useTurnsOfSystem(): number {
  const [turns, setTurns] = useState(0);
  useLayoutEffect(() => {
    const turn = () => setTurns((known) => known + 1);
    systemDark.addEventListener('change', turn);
    return () => systemDark.removeEventListener('change', turn);
  }, []);
  return turns;
}

function dataOf({ x, y }: Series): uPlot.AlignedData {
  return [[...x], ...y.map(({ values }) => [...values])];
}

function optionsOf({ kind, x }: Chart, { y, axis, labels }: Series): Omit<uPlot.Options, 'width' | 'height'> {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => resolved(style.getPropertyValue(name));
  const lines = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  const isBar = kind === 'bar' || kind === 'histogram';
  const bars = uPlot.paths.bars?.({ size: [kind === 'histogram' ? 0.98 : 0.7, 72] });
  return {
    scales: {
      x: { time: axis === 'time', ...(isBar && { range: (_, low, high) => [low - 0.6, high + 0.6] }) },
      // Bars are compared by their length, so they begin at zero.
      y: isBar ? { range: (_, low, high) => [Math.min(0, low), Math.max(0, high) * 1.05] } : {},
    },
    axes: [
      {
        ...lines,
        ...(axis === 'labels' && labelAxis(labels)),
      },
      { ...lines, size: axisUpPx },
    ],
    series: [
      { label: x, value: (_, at) => (at === null ? '' : nameOf({ axis, labels }, at)) },
      ...y.map(({ name }, index): uPlot.Series => {
        const stroke = colour(strokes[index % strokes.length] ?? '--accent');
        return {
          label: name,
          value: (_, value) => (value === null ? '' : value.toLocaleString()),
          stroke,
          width: 2,
          points: { show: kind === 'scatter', size: 6, fill: stroke },
          ...(isBar && bars && { paths: bars, fill: stroke, points: { show: false } }),
          ...(kind === 'scatter' && { paths: () => null }),
        };
      }),
    ],
    cursor: { drag: { x: !isBar, y: false } },
    legend: { show: true },
  };
}

const axisUpPx = 64;

/** Planned anew for every width. */
function labelAxis(labels: readonly string[]): uPlot.Axis {
  const planOf = (plot: uPlot) => labelPlan(labels, plot.width - axisUpPx);
  return {
    values: (plot, places) => {
      const { shown } = planOf(plot);
      return places.map((at) => (Number.isInteger(at) ? shown(labels[at] ?? '') : ''));
    },
    rotate: (plot) => planOf(plot).turn,
    size: (plot) => planOf(plot).height,
    space: (plot) => planOf(plot).space,
    incrs: [1, 2, 5, 10, 20, 50, 100],
  };
}

/** A canvas knows no light-dark(): an element computes what it means now. */
function resolved(value: string): string {
  const probe = document.createElement('span');
  probe.style.color = value;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** What a place on the axis across stands for. */
function nameOf({ axis, labels }: Pick<Series, 'axis' | 'labels'>, at: number): string {
  if (axis === 'labels') return labels[at] ?? '';
  return axis === 'time' ? new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ') : String(at);
}

const tableRows = 200;

function DataTable({ chart, series }: { readonly chart: Chart; readonly series: Series }) {
  const name = (index: number) => nameOf(series, series.x[index] ?? 0);
  return (
    <details class="chart-data">
      <summary>The numbers as a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section class="chart-table" aria-label="Numbers of the chart" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{chart.x}</th>
              {series.y.map((one) => (
                <th key={one.name} scope="col">
                  {one.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {series.x.slice(0, tableRows).map((x, index) => (
              <tr key={x}>
                <th scope="row">{name(index)}</th>
                {series.y.map((one) => (
                  <td key={one.name}>{one.values[index] ?? 'NULL'}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {series.x.length > tableRows && (
          <p class="muted">
            The first {tableRows} of {count(series.x.length)}.
          </p>
        )}
      </section>
    </details>
  );
}
