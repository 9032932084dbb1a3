// Draws the difference of two texts, unified or side by side. What went and what came is told by a sign and a word, not
// by colour alone. Equal parts are folded.
import { useMemo, useState } from 'preact/hooks';
import { isPhone } from '../layout.ts';
import { oneOf, savedSignal } from '../storage.ts';
import { type DiffLine, type DiffPair, type DiffSection, difference, folded, sideBySide } from './difference.ts';

type Layout = 'unified' | 'side by side';
const layout = savedSignal<Layout>('diff-layout', 'unified', oneOf('unified', 'side by side'));

interface Props {
  readonly before: string;
  readonly after: string;
  /** What stands left and right, e.g. `v13` and `v14`. */
  readonly labels: readonly [string, string];
}

export function DiffView({ before, after, labels }: Props) {
  const found = useMemo(() => difference(before, after), [before, after]);
  const isWide = layout.value === 'side by side' && !isPhone.value;
  if (found.added + found.removed === 0) return <p class="diff-none">Both are the same.</p>;
  return (
    <section class="diff" aria-label={`Difference of ${labels[0]} and ${labels[1]}`}>
      <div class="diff-head">
        <span>
          {labels[0]} <span aria-hidden="true">&rarr;</span>
          <span class="visually-hidden">to</span> {labels[1]}
        </span>
        <span class="diff-count">
          <ins>+{found.added}</ins> <del>-{found.removed}</del>
          <span class="visually-hidden">lines added and removed</span>
        </span>
        <span class="spacer" />
        {!isPhone.value && (
          <button
            type="button"
            class="button quiet"
            onClick={() => {
              layout.value = isWide ? 'unified' : 'side by side';
            }}
          >
            {isWide ? 'Unified' : 'Side by side'}
          </button>
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class={isWide ? 'diff-body is-wide' : 'diff-body'} tabIndex={0} aria-label="Lines">
        {isWide
          ? folded(sideBySide(found.lines), isEqualPair).map((section, place) => (
              <Section key={place} section={section} draw={(pair, index) => <Pair key={index} pair={pair} />} />
            ))
          : folded(found.lines, ({ kind }) => kind === 'same').map((section, place) => (
              <Section key={place} section={section} draw={(line, index) => <Line key={index} line={line} />} />
            ))}
      </section>
    </section>
  );
}

function isEqualPair({ left, right }: DiffPair): boolean {
  return left?.kind === 'same' && right?.kind === 'same';
}

interface SectionProps<Row> {
  readonly section: DiffSection<Row>;
  readonly draw: (row: Row, index: number) => preact.ComponentChildren;
}

function Section<Row>({ section, draw }: SectionProps<Row>) {
  const [isOpen, setOpen] = useState(false);
  if (!section.folded || isOpen) return <>{section.rows.map(draw)}</>;
  return (
    <button type="button" class="diff-fold" onClick={() => setOpen(true)}>
      {section.rows.length} equal lines
    </button>
  );
}

const signs = { same: ' ', removed: '-', added: '+' } as const;

function Line({ line }: { readonly line: DiffLine }) {
  return (
    <div class={`diff-line is-${line.kind}`}>
      <span class="diff-number">{line.before ?? ''}</span>
      <span class="diff-number">{line.after ?? ''}</span>
      <LineText line={line} />
    </div>
  );
}

function Pair({ pair: { left, right } }: { readonly pair: DiffPair }) {
  return (
    <div class="diff-pair">
      {([left, right] as const).map((line, side) => (
        <div key={side} class={`diff-line is-${line?.kind ?? 'none'}`}>
          <span class="diff-number">{(side === 0 ? line?.before : line?.after) ?? ''}</span>
          {line === null ? <span class="diff-text" /> : <LineText line={line} />}
        </div>
      ))}
    </div>
  );
}

function LineText({ line }: { readonly line: DiffLine }) {
  return (
    <>
      <span class="diff-sign" aria-hidden="true">
        {signs[line.kind]}
      </span>
      {line.kind !== 'same' && <span class="visually-hidden">{line.kind}: </span>}
      <span class="diff-text">
        {line.parts.map((part, place) => (
          <span key={place} class={part.changed ? 'diff-word' : undefined}>
            {part.text}
          </span>
        ))}
      </span>
    </>
  );
}
