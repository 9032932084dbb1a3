// Widths of the page that decide between two ways to show something.
import { signal } from '@preact/signals';
import { readBoolean, savedSignal } from './storage.ts';

const phone = window.matchMedia('(max-width: 640px)');
export const isPhone = signal(phone.matches);
phone.addEventListener('change', () => {
  isPhone.value = phone.matches;
});

export const sidebarOpen = savedSignal('sidebar', true, readBoolean);
