// The SQL editor and its results.
import { EmptyState } from '../ui/EmptyState.tsx';

export default function SqlView() {
  return (
    <EmptyState icon="terminal" title="SQL">
      This view is on its way.
    </EmptyState>
  );
}
