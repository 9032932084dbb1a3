// The log: one line per event on stderr, as JSON or for a person, as --log-format says. Stdout is never used.

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export const logFormats = ['auto', 'json', 'text', 'journal'] as const;
export type LogFormat = (typeof logFormats)[number];

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  write(level: LogLevel, event: string, fields?: LogFields): void;
  setLevel(level: LogLevel): void;
  /** The newest event of level error, whether it was written or not. */
  lastError(): LoggedEvent | undefined;
}

export interface LoggedEvent {
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly event: string;
  readonly fields: LogFields;
}

export interface LogOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface LogOptions {
  /** auto unless given. */
  readonly format?: LogFormat;
  readonly now?: () => Date;
}

export function createLog(output: LogOutput, leastLevel: LogLevel, options: LogOptions = {}): Log {
  const { now = () => new Date() } = options;
  let least = logLevels.indexOf(leastLevel);
  const format = lines[options.format ?? 'auto'] ?? (output.isTTY ? readableLine : jsonLine);
  let lastError: LoggedEvent | undefined;
  const write = (level: LogLevel, event: string, fields: LogFields = {}) => {
    if (level === 'error') lastError = { time: now().toISOString(), event, fields };
    if (logLevels.indexOf(level) >= least) output.write(`${format(now(), level, event, fields)}\n`);
  };
  return {
    debug: (event, fields) => write('debug', event, fields),
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
    write,
    setLevel: (level) => {
      least = logLevels.indexOf(level);
    },
    lastError: () => lastError,
  };
}

type Line = (time: Date, level: LogLevel, event: string, fields: LogFields) => string;

const lines: Readonly<Partial<Record<LogFormat, Line>>> = {
  json: jsonLine,
  text: readableLine,
  journal: journalLine,
};

/** sd-daemon(3): what systemd takes for the priority of a line of stderr. */
const priorities: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

/** Without time and level, which the journal keeps itself. */
function journalLine(_time: Date, level: LogLevel, event: string, fields: LogFields): string {
  return `<${priorities[level]}>${event} ${fieldsText(fields)}`.trimEnd().replaceAll('\n', '\\n');
}

function jsonLine(time: Date, level: LogLevel, event: string, fields: LogFields): string {
  return JSON.stringify({ time: time.toISOString(), level, event, ...fields });
}

function readableLine(time: Date, level: LogLevel, event: string, fields: LogFields): string {
  return `${time.toISOString().slice(11, 23)} ${level.padEnd(5)} ${event} ${fieldsText(fields)}`.trimEnd();
}

/** As `name=value other=1`. */
export function fieldsText(fields: LogFields): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}
