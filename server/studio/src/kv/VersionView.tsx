// One version of a key: its value then, what it changed, or what has changed since; and the way back to it.
import { useEffect, useId, useState } from 'preact/hooks';
import type { StudioKvValue } from '../../../messages/studio/keys.ts';
import { isAbort } from '../api/client.ts';
import { route, setParams } from '../location.ts';
import { canEdit } from '../session.ts';
import { dateTime } from '../time-text.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Problem } from '../ui/Problem.tsx';
import { Tabs } from '../ui/Tabs.tsx';
import type { KeyStore } from './key-store.ts';
import { RollbackDialog } from './RollbackDialog.tsx';
import { authorOf, hasValue, type KeyVersion, operationWords, versionName } from './timeline.ts';
import { ValueView } from './ValueView.tsx';
import { VersionDiff } from './VersionDiff.tsx';

type Form = 'value' | 'before' | 'now';

interface Props {
  readonly store: KeyStore;
  readonly version: KeyVersion;
}

export function VersionView({ store, version }: Props) {
  const panelId = useId();
  const [isRolling, setRolling] = useState(false);
  const versions = store.versions.value;
  const place = versions.indexOf(version);
  const asked = route.value.params.with ?? '';
  const isNewest = place === 0;
  const forms = [
    { id: 'value' as const, label: 'Value then' },
    { id: 'before' as const, label: 'Its change' },
    ...(isNewest ? [] : [{ id: 'now' as const, label: 'Since then' }]),
  ];
  const form: Form = asked === '' ? 'value' : asked === 'now' && !isNewest ? 'now' : 'before';
  const author = authorOf(version.who);
  return (
    <div class="version-view">
      <header class="version-head">
        <div>
          <h2>
            {versionName(version.version)}
            <span class="version-operation">{operationWords(version.operation)}</span>
          </h2>
          <p>
            <time dateTime={version.at}>{dateTime(Date.parse(version.at))}</time> by <b>{author.name}</b>{' '}
            <span class="muted">{author.detail}</span>
          </p>
        </div>
        <span class="spacer" />
        {canEdit.value && !isNewest && hasValue(version) && (
          <button type="button" class="button primary" onClick={() => setRolling(true)}>
            <Icon name="undo" size={16} /> Roll back to this
          </button>
        )}
        <button type="button" class="button" onClick={() => setParams({ version: '', with: '' })}>
          Show now
        </button>
      </header>
      <Tabs
        label="What is shown of this version"
        tabs={forms}
        selected={form}
        panelId={panelId}
        onSelect={(id) => setParams({ with: id === 'value' ? '' : id }, { replace: true })}
      />
      <div id={panelId} class="version-panel" role="tabpanel" aria-label={forms.find(({ id }) => id === form)?.label}>
        {!hasValue(version) ? (
          <EmptyState icon="history" title="The value is not known">
            This write was made with history=false: that it happened is recorded, what it stored is not.
          </EmptyState>
        ) : form === 'value' ? (
          <ThenValue store={store} version={version} />
        ) : (
          <Compared store={store} version={version} other={asked} />
        )}
      </div>
      {isRolling && <RollbackDialog store={store} version={version} onClose={() => setRolling(false)} />}
    </div>
  );
}

function ThenValue({ store, version }: Props) {
  const [value, setValue] = useState<StudioKvValue | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    store.valueOf(version.version).then(setValue, (cause: unknown) => {
      if (!isAbort(cause)) setError(cause);
    });
  }, [store, version.version]);
  if (error !== null) return <Problem error={error} />;
  return value === null ? (
    <div class="loading" aria-busy="true" />
  ) : (
    <ValueView store={store} value={value} version={version.version} />
  );
}

interface ComparedProps extends Props {
  /** `before`, `now`, or the name of a version. */
  readonly other: string;
}

/** The older one always stands left. */
function Compared({ store, version, other }: ComparedProps) {
  const versions = store.versions.value;
  const place = versions.indexOf(version);
  const otherPlace =
    other === 'now' ? 0 : other === 'before' ? place + 1 : versions.findIndex((one) => one.version === other);
  const otherVersion = versions[otherPlace];
  const [older, newer] = otherPlace < place ? [version, otherVersion] : [otherVersion, version];
  return (
    <>
      <label class="version-compare">
        Compare {versionName(version.version)} with
        <select
          class="field"
          value={other === 'now' ? versions[0]?.version : (otherVersion?.version ?? '')}
          onChange={(event) => setParams({ with: event.currentTarget.value }, { replace: true })}
        >
          {otherVersion === undefined && <option value="">nothing: this is the first that is known</option>}
          {versions
            .filter((one) => one !== version)
            .map((one) => (
              <option key={one.version} value={one.version}>
                {versionName(one.version)} - {dateTime(Date.parse(one.at))}
                {one === versions[0] ? ' (now)' : ''}
              </option>
            ))}
        </select>
      </label>
      <VersionDiff store={store} older={older} newer={newer} />
    </>
  );
}
