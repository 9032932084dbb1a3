// Shows a value: indented JSON, text as it is, or a hex dump. Of a long one the beginning, until the rest is asked for.
import { useId, useState } from 'preact/hooks';
import type { StudioKvValue } from '../../../messages/studio/keys.ts';
import { errorText } from '../api/client.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { fileSize } from '../ui/sizes.ts';
import { Tabs } from '../ui/Tabs.tsx';
import { toastError } from '../ui/Toast.tsx';
import { type HexLine, hexLines } from './bytes.ts';
import { jsonParts } from './json-parts.ts';
import type { KeyStore } from './key-store.ts';
import { bytesOfValue, isCut, textOfValue } from './value-text.ts';

type Form = 'json' | 'text' | 'hex';

/** Lines of a hex dump that are drawn. */
const drawnLines = 2_000;

interface Props {
  readonly store: KeyStore;
  readonly value: StudioKvValue;
  /** Absent: the value now. */
  readonly version?: string;
}

export function ValueView({ store, value, version }: Props) {
  const panelId = useId();
  const [chosen, setChosen] = useState<Form | null>(null);
  const [whole, setWhole] = useState<Uint8Array | null>(null);
  if (!value.exists) {
    return (
      <EmptyState icon="trash" title={version === undefined ? 'This key is gone' : 'No value here'}>
        {version === undefined
          ? 'It was deleted, or its time was over. Choose an earlier version to see it, and to bring it back.'
          : 'This change took the key away.'}
      </EmptyState>
    );
  }
  const text = whole === null ? textOfValue(value) : { text: new TextDecoder().decode(whole), pretty: undefined };
  const forms: { id: Form; label: string }[] = [];
  if (text?.pretty !== undefined) forms.push({ id: 'json', label: 'JSON' });
  if (text !== undefined) forms.push({ id: 'text', label: text.pretty === undefined ? 'Text' : 'As stored' });
  forms.push({ id: 'hex', label: 'Bytes' });
  const form = forms.find(({ id }) => id === chosen)?.id ?? forms[0]?.id ?? 'hex';
  const loadAll = async () => {
    try {
      setWhole(await store.bytes(version));
    } catch (error) {
      toastError(errorText(error));
    }
  };
  return (
    <section class="value-view" aria-label="Value">
      <Tabs label="How the value is shown" tabs={forms} selected={form} panelId={panelId} onSelect={setChosen} />
      {isCut(value) && whole === null && (
        <p class="value-cut">
          The beginning of {fileSize(value.bytes)}.{' '}
          <button type="button" class="button quiet" onClick={() => void loadAll()}>
            Show all
          </button>
        </p>
      )}
      <div id={panelId} class="value-panel" role="tabpanel" aria-label={forms.find(({ id }) => id === form)?.label}>
        {form === 'hex' ? (
          <HexDump bytes={whole ?? bytesOfValue(value.value)} />
        ) : (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable by keyboard
          <pre class="value-text" tabIndex={0}>
            {form === 'json' ? <Json text={text?.pretty ?? ''} /> : text?.text}
            {text?.text === '' && <span class="muted">(empty text)</span>}
          </pre>
        )}
      </div>
    </section>
  );
}

function Json({ text }: { readonly text: string }) {
  return (
    <>
      {jsonParts(text).map((part, place) =>
        part.kind === 'other' ? (
          part.text
        ) : (
          <span key={place} class={`json-${part.kind}`}>
            {part.text}
          </span>
        ),
      )}
    </>
  );
}

function HexDump({ bytes }: { readonly bytes: Uint8Array }) {
  const lines = hexLines(bytes.subarray(0, drawnLines * 16));
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable by keyboard */}
      <pre class="value-text value-hex" tabIndex={0}>
        {lines.map((line: HexLine) => (
          <span key={line.offset}>
            <span class="muted">{line.offset}</span> {line.hex.padEnd(48)} <span class="hex-text">{line.text}</span>
            {'\n'}
          </span>
        ))}
        {bytes.length === 0 && <span class="muted">(no bytes)</span>}
      </pre>
      {bytes.length > drawnLines * 16 && (
        <p class="muted">The first {fileSize(drawnLines * 16)} are drawn. Save the value as a file to see all of it.</p>
      )}
    </>
  );
}
