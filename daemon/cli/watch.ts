// --watch: shows the same thing again and again, on a terminal always in the same place.
import { setTimeout as delay } from 'node:timers/promises';
import { print, type WithSwitches } from './output.ts';

const intervalMs = 1000;
const clearScreen = '\x1b[H\x1b[2J';

/** Once without --watch; else until `show` fails or a signal ends the program. */
export async function showAgain({ switches }: WithSwitches, show: () => Promise<string>): Promise<void> {
  for (;;) {
    const text = await show();
    if (!switches.has('watch')) return print(text);
    print(process.stdout.isTTY && !switches.has('json') ? clearScreen + text : text);
    await delay(intervalMs);
  }
}
