// The keys, read from the table that the handlers read.
import { bindings, isSingleKey, type Scope, singleKeys } from '../keys.ts';
import { Dialog } from './Dialog.tsx';
import { KeyText } from './KeyText.tsx';
import { helpOpen } from './open-dialogs.ts';

const movement = [
  ['Arrows, Home, End, Page Up, Page Down', 'Move'],
  ['Ctrl+Home, Ctrl+End', 'First row, last row'],
  ['Shift and a movement', 'Select a range'],
] as const;

export function HelpDialog() {
  const scopes = [...new Set(bindings.map(({ scope }) => scope))];
  return (
    <Dialog
      title="Keys"
      size="large"
      onClose={() => {
        helpOpen.value = false;
      }}
    >
      <label class="check">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => {
            singleKeys.value = event.currentTarget.checked;
          }}
        />
        Single letters are keys, too
      </label>
      <div class="help-groups">{scopes.map(group)}</div>
    </Dialog>
  );
}

function group(scope: Scope) {
  return (
    <section key={scope} class="help-group">
      <h3>{scope}</h3>
      <dl>
        {scope === 'Grid' &&
          movement.map(([keys, label]) => (
            <div key={keys}>
              <dt>{keys}</dt>
              <dd>{label}</dd>
            </div>
          ))}
        {bindings
          .filter((binding) => binding.scope === scope)
          .map(({ id, keys, label }) => (
            <div key={id}>
              <dt>
                {keys
                  .filter((key) => singleKeys.value || !isSingleKey(key))
                  .map((key) => (
                    <KeyText key={key} keys={key} />
                  ))}
              </dt>
              <dd>{label}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}
