// Who holds the database, who waits, and for whom.
import { EmptyState } from '../ui/EmptyState.tsx';

export default function LocksView() {
  return (
    <EmptyState icon="lock" title="Locks">
      This view is on its way.
    </EmptyState>
  );
}
