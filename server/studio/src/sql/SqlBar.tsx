// The bar above the editor: run, explain, saved queries, history.
import { tip } from '../keys.ts';
import { canEdit } from '../session.ts';
import { Icon } from '../ui/Icon.tsx';
import { Menu } from '../ui/Menu.tsx';
import { removeQuery, savedOf } from './saved.ts';

interface Props {
  readonly db: string;
  readonly isRunning: boolean;
  readonly isHistoryOpen: boolean;
  readonly onRun: () => void;
  readonly onRunAll: () => void;
  readonly onStop: () => void;
  readonly onExplain: () => void;
  readonly onShow: (sql: string) => void;
  readonly onSave: () => void;
  readonly onHistory: () => void;
}

export function SqlBar(props: Props) {
  const { db, isRunning, isHistoryOpen, onRun, onRunAll, onStop, onExplain, onShow, onSave, onHistory } = props;
  return (
    <div class="sql-bar">
      {isRunning ? (
        <button type="button" class="button danger" title={tip('Cancel', 'sql-cancel')} onClick={onStop}>
          <Icon name="stop" size={16} />
          Cancel
        </button>
      ) : (
        <button
          type="button"
          class="button primary"
          title={tip('Run the statement at the cursor, or the selection', 'sql-run')}
          onClick={onRun}
        >
          <Icon name="play" size={16} />
          Run
        </button>
      )}
      <button
        type="button"
        class="button"
        disabled={isRunning}
        title={tip('Run all statements in one transaction', 'sql-run-all')}
        onClick={onRunAll}
      >
        Run all
      </button>
      <button type="button" class="button" title="How SQLite would run it" onClick={onExplain}>
        Explain
      </button>
      <span class="spacer" />
      {!canEdit.value && <span class="tag">read only</span>}
      <SavedMenu db={db} onShow={onShow} onSave={onSave} />
      <button
        type="button"
        class="icon-button"
        aria-label="History"
        aria-pressed={isHistoryOpen}
        title={tip('Statements that were run', 'sql-history')}
        onClick={onHistory}
      >
        <Icon name="history" />
      </button>
    </div>
  );
}

interface SavedMenuProps {
  readonly db: string;
  readonly onShow: (sql: string) => void;
  readonly onSave: () => void;
}

function SavedMenu({ db, onShow, onSave }: SavedMenuProps) {
  const saved = savedOf(db);
  return (
    <Menu
      label="Saved queries"
      buttonClass="button"
      items={[
        ...saved.map((one) => ({ label: one.name, run: () => onShow(one.sql) })),
        { label: 'Save this query', icon: 'plus' as const, startsGroup: saved.length > 0, run: onSave },
        ...saved.map((one) => ({
          label: `Remove "${one.name}"`,
          icon: 'trash' as const,
          startsGroup: one === saved[0],
          run: () => removeQuery(one),
        })),
      ]}
    >
      Saved
      <Icon name="chevronDown" size={14} />
    </Menu>
  );
}
