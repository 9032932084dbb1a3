// The difference of two versions of a key, once both have been read.
import { useEffect, useState } from 'preact/hooks';
import { errorText, isAbort } from '../api/client.ts';
import { Problem } from '../ui/Problem.tsx';
import { hexLines } from './bytes.ts';
import { DiffView } from './DiffView.tsx';
import type { KeyStore } from './key-store.ts';
import { type KeyVersion, versionName } from './timeline.ts';
import { comparable } from './value-text.ts';

interface Props {
  readonly store: KeyStore;
  /** Undefined: nothing was there. */
  readonly older: KeyVersion | undefined;
  readonly newer: KeyVersion | undefined;
}

export function VersionDiff({ store, older, newer }: Props) {
  const [texts, setTexts] = useState<readonly [string, string] | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    let isOver = false;
    setTexts(null);
    Promise.all([textOf(store, older), textOf(store, newer)]).then(
      (both) => {
        if (!isOver) setTexts(both);
      },
      (cause: unknown) => {
        if (!isOver && !isAbort(cause)) setError(errorText(cause));
      },
    );
    return () => {
      isOver = true;
    };
  }, [store, older?.version, newer?.version]);
  if (error !== null) return <Problem error={error} />;
  if (texts === null) return <div class="loading" aria-busy="true" />;
  return <DiffView before={texts[0]} after={texts[1]} labels={[labelOf(older), labelOf(newer)]} />;
}

function labelOf(version: KeyVersion | undefined): string {
  if (version === undefined) return 'nothing';
  return version.exists ? versionName(version.version) : `${versionName(version.version)} (no key)`;
}

async function textOf(store: KeyStore, version: KeyVersion | undefined): Promise<string> {
  if (version === undefined) return '';
  return comparable(await store.valueOf(version.version), dumpText);
}

function dumpText(bytes: Uint8Array): string {
  return hexLines(bytes)
    .map(({ offset, hex, text }) => `${offset} ${hex}  ${text}`)
    .join('\n');
}
