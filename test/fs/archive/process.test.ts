// The archive process as the supervisor runs it: messages in, messages out, SIGKILL at any time.
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ArchiveQuestion, FromArchive, ToArchive } from '../../../fs/archive/messages.ts';
import { eventually } from '../../helpers/eventually.ts';
import { Driver } from './sqlite-driver.ts';

const entry = resolve(import.meta.dirname, '../../../fs/archive/main.ts');
