// What the holder of a share link sees instead of the whole page.
import { EmptyState } from '../ui/EmptyState.tsx';

export default function SharedPage(_: { readonly token: string }) {
  return (
    <EmptyState icon="share" title="A shared view">
      This view is on its way.
    </EmptyState>
  );
}
