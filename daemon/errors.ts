// What ends a command: an error with the exit code that scripts rely on and, where there is one, the way out.

/** Documented in `hoody-sqlite help`. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  noDaemon: 3,
  taken: 4,
} as const;

/** Each in a few words, for the help and the man page. */
export const exitCodeTexts: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'ok',
  failed: 'failed',
  usage: 'usage or configuration',
  noDaemon: 'no daemon runs',
  taken: 'another daemon has the directory',
};

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export class CommandError extends Error {
  readonly exitCode: ExitCode;
  /** What the operator can do about it; undefined when the message says it all. */
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.hint = options.hint;
  }
}

/** A wrong flag, variable, key or value. */
export function usageError(message: string, hint?: string): CommandError {
  return new CommandError(exitCodes.usage, message, hint === undefined ? {} : { hint });
}

/** The message and, where the error carries one, what to do about it in parentheses. */
export function sentenceOf(error: unknown): string {
  const hint = hintOf(error);
  return hint === undefined ? messageOf(error) : `${messageOf(error)} (${hint})`;
}

function hintOf(error: unknown): string | undefined {
  const hint = typeof error === 'object' && error !== null && 'hint' in error ? error.hint : undefined;
  return hint === undefined ? undefined : String(hint);
}

/** An error as --json prints it on stderr. */
export interface ErrorFacts {
  readonly code: keyof typeof exitCodes;
  readonly exitCode: ExitCode;
  readonly message: string;
  /** What to do about it; null when the message says it all. */
  readonly hint: string | null;
}

export function errorFacts(error: unknown): ErrorFacts {
  const exitCode = error instanceof CommandError ? error.exitCode : exitCodes.failed;
  const names = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
  return {
    code: names.find((name) => exitCodes[name] === exitCode) ?? 'failed',
    exitCode,
    message: messageOf(error),
    hint: hintOf(error) ?? null,
  };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
