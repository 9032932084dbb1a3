// What the bar at the bottom and the tabs say. Views and the live feed write, the shell shows.
import { signal } from '@preact/signals';
import type { ViewId } from './routes.ts';

/** Of the view that is open, e.g. `60 rows in 4 ms`. A view empties it when it is left. */
export const viewStatus = signal('');

/** Of the open database, e.g. `1 reader, no writer`; empty while unknown. */
export const lockStatus = signal('');

/** e.g. `connected`, `3 new changes`; empty while unknown. */
export const liveStatus = signal('');

/** Numbers beside the names of tabs. */
export const badges = signal<Readonly<Partial<Record<ViewId, number>>>>({});

export function setBadge(view: ViewId, count: number): void {
  badges.value = { ...badges.peek(), [view]: count };
}
