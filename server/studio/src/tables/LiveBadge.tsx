// Tells of commits of others to the table that is shown, and takes them over on request, or by itself in follow mode.
// No row is moved under the pointer: then the number of changes is shown until the pointer has left. Loaded after the
// first rows.
import { useEffect } from 'preact/hooks';
import { Badge } from '../live/Badge.tsx';
import { following } from '../live/feed.ts';
import { useUnseen } from '../live/unseen.ts';

interface Props {
  readonly db: string;
  /** Reads the rows again; resolves with false where it would have moved a row although `mayMove` says no. */
  readonly onRead: (mayMove: () => boolean) => Promise<boolean>;
}

export function LiveBadge({ db, onRead }: Props) {
  const unseen = useUnseen(db, () => onRead(() => !isPointed()));
  const isHeld = following.value && unseen.count > 0;
  useEffect(() => {
    if (!isHeld) return;
    const look = () => {
      if (!isPointed()) unseen.show();
    };
    document.addEventListener('pointerout', look);
    return () => document.removeEventListener('pointerout', look);
  }, [isHeld]);
  return <Badge unseen={unseen} />;
}

function isPointed(): boolean {
  return document.querySelector('.grid:hover, .cards:hover') !== null;
}
