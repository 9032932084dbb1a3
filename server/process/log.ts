// Log lines go to the supervisor, who prints them.
import type { LogLevel } from '../index.ts';

export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;
