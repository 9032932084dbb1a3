// What a command prints on stdout: for a person, or with --json one JSON object on one line for a program.

/** The input of a command, as far as its output depends on it. */
export interface WithSwitches {
  readonly switches: ReadonlySet<string>;
}

let isWatched = false;

/** A reader that goes away ends the command, without the stack of a bug. */
export function print(text: string): void {
  if (!isWatched) {
    isWatched = true;
    process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code !== 'EPIPE') process.stderr.write(`hoody-sqlite: cannot write to the output: ${message}\n`);
      process.exit(1);
    });
  }
  process.stdout.write(text);
}

export function wantsJson({ switches }: WithSwitches): boolean {
  return switches.has('json');
}

/** `text`: what a person reads; its lines end with a line end. The names in `result` are a promise to scripts. */
export function printResult(input: WithSwitches, result: object, text: string): void {
  print(wantsJson(input) ? `${JSON.stringify(result)}\n` : text);
}
