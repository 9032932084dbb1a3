// The value of a shared key, and its earlier versions where they were shared.
import { useState } from 'preact/hooks';
import type { StudioKvHistory, StudioKvValue } from '../../../messages/studio/keys.ts';
import { errorText } from '../api/client.ts';
import { hexOf } from '../api/values.ts';
import { authorOf, operationWords, versionName } from '../kv/timeline.ts';
import { bytesOfValue, textOfValue } from '../kv/value-text.ts';
import { dateTime } from '../time-text.ts';
import { fileSize } from '../ui/sizes.ts';
import { toastError } from '../ui/Toast.tsx';
import type { AskShared } from './ask-shared.ts';

interface Props {
  readonly value: StudioKvValue;
  readonly history: StudioKvHistory | undefined;
  readonly ask: AskShared;
}

export function SharedKey({ value: now, history, ask }: Props) {
  const [shown, setShown] = useState<{ readonly version: string | null; readonly value: StudioKvValue }>({
    version: null,
    value: now,
  });
  const show = async (version: string) => {
    try {
      const { value } = await ask({ version: Number(version) });
      if (value !== undefined) setShown({ version, value });
    } catch (error) {
      toastError(errorText(error));
    }
  };
  const text = textOfValue(shown.value);
  return (
    <div class="shared-key">
      <section aria-label="Value">
        <p class="muted">
          {shown.version === null ? 'Now' : versionName(shown.version)}, {fileSize(shown.value.bytes)}
        </p>
        {shown.value.exists ? (
          <pre class="value-card">{text?.pretty ?? text?.text ?? hexOf(bytesOfValue(shown.value.value))}</pre>
        ) : (
          <p>The key is not there.</p>
        )}
      </section>
      {history !== undefined && (
        <section aria-label="History">
          <h2>History</h2>
          <ol class="shared-versions">
            {history.versions.map(({ version, at, operation, who }) => (
              <li key={version}>
                <button
                  type="button"
                  class="shared-version"
                  aria-current={shown.version === version ? 'true' : undefined}
                  onClick={() => void show(version)}
                >
                  <strong>{versionName(version)}</strong>
                  <span>{operationWords(operation)}</span>
                  <span class="muted">
                    {dateTime(Date.parse(at))}, {authorOf(who).name}
                  </span>
                </button>
              </li>
            ))}
          </ol>
        </section>
      )}
    </div>
  );
}
