// How this folder says something to the operator: one event with fields. Who writes it, and where, is the supervisor's
// business.
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type Log = (level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>) => void;
