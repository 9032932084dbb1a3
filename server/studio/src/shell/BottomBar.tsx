// The views on a phone, within reach of a thumb.
import { views } from '../views.ts';
import { ViewLink } from './TopBar.tsx';

export function BottomBar() {
  return (
    <nav class="bottom-bar" aria-label="Views">
      {views
        .filter(({ isTab }) => isTab)
        .map((view) => (
          <ViewLink key={view.id} view={view} />
        ))}
    </nav>
  );
}
