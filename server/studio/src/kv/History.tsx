// Who changed a key when: a strip with a dot for each version, a field for a moment, and the list. Choosing a version
// shows it.
import { useState } from 'preact/hooks';
import { route, setParams } from '../location.ts';
import { canEdit } from '../session.ts';
import { ago, clockTime, dateTime, dayText } from '../time-text.ts';
import { Icon } from '../ui/Icon.tsx';
import { Problem } from '../ui/Problem.tsx';
import { fileSize } from '../ui/sizes.ts';
import { toastError } from '../ui/Toast.tsx';
import type { KeyStore } from './key-store.ts';
import { RollbackDialog } from './RollbackDialog.tsx';
import {
  authorOf,
  byDay,
  dayName,
  dotPlaces,
  hasValue,
  type KeyVersion,
  operationWords,
  versionAt,
  versionName,
} from './timeline.ts';

interface Props {
  readonly store: KeyStore;
  readonly selected: string | undefined;
}

export function History({ store, selected }: Props) {
  const versions = store.versions.value;
  const next = store.next.value;
  const [rolling, setRolling] = useState<KeyVersion | null>(null);
  const mayRollBack = (version: KeyVersion) => canEdit.value && version !== versions[0] && hasValue(version);
  return (
    <section class="key-history" aria-label="History">
      <header class="history-head">
        <h2>History</h2>
        <AtTime store={store} />
      </header>
      {store.historyError.value !== null && (
        <Problem error={store.historyError.value} onRetry={() => void store.load()} />
      )}
      {versions.length === 0 && store.historyError.value === null && (
        <p class="muted">No change is recorded yet. From now on each one is kept.</p>
      )}
      {versions.length > 1 && <Strip versions={versions} selected={selected} />}
      <ol class="history-days">
        {byDay(versions).map(({ day, versions: list }) => {
          const name = dayName(day, Date.now());
          return (
            <li key={day}>
              <h3>{name === day ? dayText(day) : name}</h3>
              <ol class="history-list">
                {list.map((version) => (
                  <Entry
                    key={version.version}
                    version={version}
                    isNewest={version === versions[0]}
                    onRollBack={mayRollBack(version) ? () => setRolling(version) : null}
                    isSelected={version.version === selected || (selected === undefined && version === versions[0])}
                  />
                ))}
              </ol>
            </li>
          );
        })}
      </ol>
      {next !== null && (
        <button type="button" class="button" onClick={() => void store.loadOlder()}>
          Load older changes
        </button>
      )}
      {rolling !== null && <RollbackDialog store={store} version={rolling} onClose={() => setRolling(null)} />}
    </section>
  );
}

/** Keeps what is shown of a version while moving from one to the next. */
function choose(version: KeyVersion, isNewest: boolean): void {
  setParams({ version: version.version, ...(isNewest && route.peek().params.with === 'now' && { with: '' }) });
}

interface EntryProps {
  readonly version: KeyVersion;
  readonly isNewest: boolean;
  readonly isSelected: boolean;
  /** Null: it cannot be done. */
  readonly onRollBack: (() => void) | null;
}

function Entry({ version, isNewest, isSelected, onRollBack }: EntryProps) {
  const author = authorOf(version.who);
  const at = Date.parse(version.at);
  return (
    <li>
      <button
        type="button"
        class={`history-entry${version.exists ? '' : ' is-gone'}`}
        aria-current={isSelected ? 'true' : undefined}
        onClick={() => choose(version, isNewest)}
      >
        <span class="history-dot" aria-hidden="true" />
        <span class="history-when">
          <time dateTime={version.at} title={dateTime(at)}>
            {clockTime(at)}
          </time>
          {isNewest && <span class="tag">now</span>}
        </span>
        <span class="history-version">{versionName(version.version)}</span>
        <span class="history-what">
          {operationWords(version.operation)}
          {version.exists && <span class="muted"> {fileSize(version.bytes)}</span>}
        </span>
        <span class="history-who">
          <Icon name={author.kind === 'program' ? 'terminal' : author.kind === 'address' ? 'link' : 'help'} size={14} />
          <b>{author.name}</b>
          <span class="muted">{author.detail}</span>
        </span>
      </button>
      {onRollBack !== null && (
        <button
          type="button"
          class="icon-button history-back"
          aria-label={`Roll back to ${versionName(version.version)}`}
          title={`Roll back to ${versionName(version.version)}`}
          onClick={onRollBack}
        >
          <Icon name="undo" size={16} />
        </button>
      )}
    </li>
  );
}

interface StripProps {
  readonly versions: readonly KeyVersion[];
  readonly selected: string | undefined;
}

/** For the eye and the pointer: the list below says and does the same. */
function Strip({ versions, selected }: StripProps) {
  const places = dotPlaces(versions);
  const oldest = versions.at(-1);
  return (
    <div class="history-strip" aria-hidden="true">
      <div class="strip-line">
        {versions.map((version, index) => (
          <button
            key={version.version}
            type="button"
            tabIndex={-1}
            class={`strip-dot${version.exists ? '' : ' is-gone'}${version.version === selected ? ' is-selected' : ''}${index === 0 ? ' is-now' : ''}`}
            style={{ insetInlineStart: `${(places[index] ?? 0) * 100}%` }}
            title={`${versionName(version.version)}, ${dateTime(Date.parse(version.at))}, ${authorOf(version.who).name}`}
            onClick={() => choose(version, index === 0)}
          />
        ))}
      </div>
      <div class="strip-ends">
        <span>{oldest === undefined ? '' : ago(Date.parse(oldest.at), Date.now())}</span>
        <span>now</span>
      </div>
    </div>
  );
}

/** Shows the version that was current at a moment. */
function AtTime({ store }: { readonly store: KeyStore }) {
  const [isSearching, setSearching] = useState(false);
  const show = async (text: string) => {
    const at = new Date(text).getTime();
    if (Number.isNaN(at)) return;
    setSearching(true);
    // The moment may lie before what has been read so far.
    while (versionAt(store.versions.peek(), at) === undefined && store.next.peek() !== null) {
      const before = store.next.peek();
      await store.loadOlder();
      if (store.next.peek() === before) break;
    }
    setSearching(false);
    const found = versionAt(store.versions.peek(), at);
    if (found === undefined) return toastError(`No version of ${store.place.key} is known from before that moment.`);
    setParams({ version: found.version, with: '' });
  };
  return (
    <label class="history-at" title="Shows the value that the key had at this moment">
      <span>Value at</span>
      <input
        class="field"
        type="datetime-local"
        step="1"
        disabled={isSearching}
        onChange={(event) => void show(event.currentTarget.value)}
      />
    </label>
  );
}
