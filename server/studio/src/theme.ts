// Light, dark, or what the system says.
import { effect } from '@preact/signals';
import { oneOf, savedSignal } from './storage.ts';

export type Theme = 'system' | 'light' | 'dark';

export const theme = savedSignal<Theme>('theme', 'system', oneOf('system', 'light', 'dark'));

effect(() => {
  if (theme.value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});
