// Chooses the other moment of a comparison: the commit before, now, any commit of the list, or any time.
import { useState } from 'preact/hooks';
import { setParams } from '../location.ts';
import { dateTime } from '../time-text.ts';
import type { Commit } from './answers.ts';
import { TimeField } from './TimeField.tsx';
import { changedTables, writerText } from './words.ts';

interface Props {
  readonly at: string;
  readonly from: string;
  readonly before: Commit | undefined;
  readonly commits: readonly Commit[];
}

const anyTime = 'time';

export function CompareWith({ at, from, before, commits }: Props) {
  const [isAsking, setAsking] = useState(false);
  const isListed = from === '' || from === 'now' || commits.some(({ bookmark }) => bookmark === from);
  const choose = (value: string) => {
    setAsking(value === anyTime);
    if (value !== anyTime) setParams({ from: value }, { replace: true });
  };
  return (
    <>
      <label class="past-choice">
        Compare with{' '}
        <select value={isAsking ? anyTime : from} onChange={(event) => choose(event.currentTarget.value)}>
          {before !== undefined && <option value="">the commit before</option>}
          {before === undefined && from === '' && <option value="">-</option>}
          <option value="now">now</option>
          <option value={anyTime}>a time ...</option>
          {!isListed && <option value={from}>{from.includes(':') ? dateTime(Date.parse(from)) : from}</option>}
          {commits
            .filter(({ bookmark }) => bookmark !== at)
            .map((commit) => (
              <option key={commit.bookmark} value={commit.bookmark}>
                {[dateTime(Date.parse(commit.time)), writerText(commit), ...changedTables(commit)].join(' ')}
              </option>
            ))}
        </select>
      </label>
      {isAsking && (
        <TimeField
          label="Time to compare with"
          action="Compare"
          onChosen={(time) => {
            setAsking(false);
            setParams({ from: time }, { replace: true });
          }}
        />
      )}
    </>
  );
}
