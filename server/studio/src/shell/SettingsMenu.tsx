// The menu of the page at the end of its head.
import { Icon } from '../ui/Icon.tsx';
import { Menu } from '../ui/Menu.tsx';

const settingsItems = () => import('./settings-items.ts').then((module) => module.settingsItems);

export function SettingsMenu() {
  return (
    <Menu label="Settings and more" items={settingsItems}>
      <Icon name="more" />
    </Menu>
  );
}
