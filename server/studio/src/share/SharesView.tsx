// The share links of this server: what they show, when they end, and a way to revoke them.
import { EmptyState } from '../ui/EmptyState.tsx';

export default function SharesView() {
  return (
    <EmptyState icon="share" title="Share links">
      This view is on its way.
    </EmptyState>
  );
}
