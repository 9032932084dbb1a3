// The keys of a key-value table, their values and history.
import { EmptyState } from '../ui/EmptyState.tsx';

export default function KeysView() {
  return (
    <EmptyState icon="key" title="Keys">
      This view is on its way.
    </EmptyState>
  );
}
