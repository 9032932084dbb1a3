// One line of a menu.
import type { IconName } from './Icon.tsx';

export interface MenuItem {
  readonly label: string;
  readonly icon?: IconName;
  /** Shown at the end of the line: a key, a count. */
  readonly note?: string;
  readonly isChecked?: boolean;
  readonly isDangerous?: boolean;
  readonly isDisabled?: boolean;
  /** A line above this item. */
  readonly startsGroup?: boolean;
  /** It stays in sight below the others, however many there are. */
  readonly isPinned?: boolean;
  readonly run: () => void;
}
