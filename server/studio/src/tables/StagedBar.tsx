// Below the rows: how many edits wait, and what can be done with them.
import { useEffect } from 'preact/hooks';
import { keyText, tip } from '../keys.ts';
import { Icon } from '../ui/Icon.tsx';
import { KeyText } from '../ui/KeyText.tsx';
import { lazy } from '../ui/lazy.tsx';
import { confirm } from '../ui/open-dialogs.ts';
import { clearStaged, stagedCount, undo } from './staged-store.ts';

const ReviewDialog = lazy(() => import('./ReviewDialog.tsx').then((module) => module.ReviewDialog));

interface Props {
  readonly db: string;
  readonly onApplied: () => void;
  readonly isReviewing: boolean;
  readonly onReview: (isReviewing: boolean) => void;
}

export function StagedBar({ db, onApplied, isReviewing, onReview }: Props) {
  const edits = stagedCount.value;
  useEffect(ReviewDialog.preload, []); // Ctrl+S and Ctrl+Enter may follow at once
  const discard = async () => {
    const yes = await confirm({
      title: 'Discard the staged edits?',
      body: <p>{edits === 1 ? 'One edit is' : `${edits} edits are`} given up. The database stays as it is.</p>,
      action: 'Discard',
      isDangerous: true,
    });
    if (yes) clearStaged();
  };
  return (
    <section class="staged-bar" aria-label="Staged edits">
      <strong>{edits === 1 ? '1 staged edit' : `${edits} staged edits`}</strong>
      <span class="spacer" />
      <button type="button" class="button quiet" title={tip('Undo the last edit', 'undo')} onClick={undo}>
        <Icon name="undo" size={16} />
        Undo
      </button>
      <button type="button" class="button" onClick={() => void discard()}>
        Discard
      </button>
      <button type="button" class="button primary" onClick={() => onReview(true)}>
        Review SQL
        <KeyText keys={keyText('review')} />
      </button>
      {isReviewing && <ReviewDialog db={db} onClose={() => onReview(false)} onApplied={onApplied} />}
    </section>
  );
}
