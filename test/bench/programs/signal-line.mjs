// How a program starts together with the others, and tells how it went.
import { createInterface } from 'node:readline/promises';

/** Says that the program is loaded, and waits for a line on stdin: all processes begin at the same moment. */
export async function waitForSignal() {
  const lines = createInterface({ input: process.stdin });
  process.stdout.write('loaded\n');
  await new Promise((resolve) => lines.once('line', resolve));
  lines.close();
}

/** `errors` has the message of each commit that failed. */
export function report(tried, errors) {
  process.stdout.write(`${JSON.stringify({ tried, errors })}\n`);
}
