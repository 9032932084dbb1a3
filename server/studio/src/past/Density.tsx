// How many commits there were when, as bars. The list beside it says the same in words.
import { clockTime, dateTime } from '../time-text.ts';
import type { Commit } from './answers.ts';

const bars = 48;
const height = 56;

export function Density({ commits }: { readonly commits: readonly Commit[] }) {
  const times = commits.map(({ time }) => Date.parse(time));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const spanMs = Math.max(1, last - first);
  const groups: Commit[][] = Array.from({ length: bars }, () => []);
  commits.forEach((commit, at) => {
    groups[Math.min(bars - 1, Math.floor((((times[at] ?? 0) - first) / spanMs) * bars))]?.push(commit);
  });
  const most = Math.max(...groups.map((group) => group.length));
  return (
    <figure class="past-density">
      <svg viewBox={`0 0 ${bars} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        {groups.map((group, at) => {
          if (group.length === 0) return null;
          const size = Math.max(4, (group.length / most) * height);
          const isMarked = group.some(({ kind, rewound_to: to }) => kind === 'resync' || to !== undefined);
          return (
            <rect
              key={at}
              class={isMarked ? 'is-marked' : ''}
              x={at + 0.1}
              y={height - size}
              width={0.8}
              height={size}
            />
          );
        })}
      </svg>
      <figcaption>
        <span>{dateTime(first)}</span>
        <span>{clockTime(last)}</span>
      </figcaption>
    </figure>
  );
}
