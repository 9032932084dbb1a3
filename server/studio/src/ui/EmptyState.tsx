// What a view shows when it has nothing to show: what this is, and what to do next.
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './Icon.tsx';

interface Props {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}

export function EmptyState({ icon, title, children }: Props) {
  return (
    <div class="empty-state">
      <Icon name={icon} size={32} />
      <h1>{title}</h1>
      {children !== undefined && <div class="empty-state-text">{children}</div>}
    </div>
  );
}
