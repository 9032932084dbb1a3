// Asks for the server's token. It stays in memory; on request in the tab's own storage; never in a URL.
import { useState } from 'preact/hooks';
import { setToken, tokenPrompt } from '../api/client.ts';
import { Icon } from './Icon.tsx';

/** Shown once by main.tsx, instead of the page while there is no token. */
export function TokenPrompt() {
  const [text, setText] = useState('');
  const [keep, setKeep] = useState(false);
  const prompt = tokenPrompt.value;
  if (prompt === null) return null;
  return (
    <main class="token-page">
      <form
        class="token-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== '') setToken(text.trim(), keep);
        }}
      >
        <Icon name="lock" size={28} />
        <h1>This server asks for a token</h1>
        <p class="muted">
          It is one of the lines of the server's token file. A read token opens the page without editing.
        </p>
        <label class="labelled">
          Token
          <input
            class="field"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            autofocus
          />
        </label>
        {prompt.wrong && (
          <p class="error-text" role="alert">
            The server does not know this token.
          </p>
        )}
        <label class="check">
          <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.currentTarget.checked)} />
          Keep it until I close this tab
        </label>
        <button type="submit" class="button primary" disabled={text.trim() === ''}>
          Open
        </button>
      </form>
    </main>
  );
}
