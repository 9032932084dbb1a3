// What is committed, by anybody, as it happens.
import { EmptyState } from '../ui/EmptyState.tsx';

export default function LiveView() {
  return (
    <EmptyState icon="pulse" title="Live changes">
      This view is on its way.
    </EmptyState>
  );
}
