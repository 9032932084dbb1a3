// How this folder says something to the operator: one event with fields. Who writes it, and where, is the supervisor's business.
import type { LogLevel } from './messages.ts';

export type Log = (level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>) => void;
