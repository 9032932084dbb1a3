// The rows of a table or view.
import { EmptyState } from '../ui/EmptyState.tsx';

export default function TablesView() {
  return (
    <EmptyState icon="table" title="Tables">
      This view is on its way.
    </EmptyState>
  );
}
