// Tells of commits of others to the table that is shown, and takes them over on request. Loaded after the first rows.
import { Badge } from '../live/Badge.tsx';
import { useUnseen } from '../live/unseen.ts';

interface Props {
  readonly db: string;
  /** Reads the rows again. */
  readonly onRead: () => Promise<void>;
}

export function LiveBadge({ db, onRead }: Props) {
  return <Badge unseen={useUnseen(db, onRead)} />;
}
