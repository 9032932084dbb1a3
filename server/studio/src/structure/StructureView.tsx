// Columns, indexes, triggers and SQL of every table and view.
import { EmptyState } from '../ui/EmptyState.tsx';

export default function StructureView() {
  return (
    <EmptyState icon="columns" title="Structure">
      This view is on its way.
    </EmptyState>
  );
}
