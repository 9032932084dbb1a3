// Says on the terminal that something takes a while, and for how long it has. Nothing where the output is no terminal.

const redrawMs = 500;

/** Shows `text` until `work` is done. */
export async function showWaiting<Result>(
  output: NodeJS.WriteStream,
  text: string,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!output.isTTY) return await work();
  const startedAtMs = performance.now();
  const timer = setInterval(() => {
    output.write(`\r\x1b[K${text} ... ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
  }, redrawMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    output.write('\r\x1b[K');
  }
}
