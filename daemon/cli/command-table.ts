// The commands of the program, one row each: the help, the man page and the completions come from it. A command's
// module is loaded only when it runs.

import { type SettingName, settingNames } from '../config/options.ts';
import type { Command } from './command.ts';

const whichDaemon: readonly SettingName[] = ['mount', 'data', 'runDir'];
const force = { flag: 'force', description: 'replace what is there' };
const json = { flag: 'json', description: 'print JSON, errors too' };
const yes = { flag: 'yes', description: 'do not ask' };
const dryRun = { flag: 'dry-run', description: 'only show what it would change' };
const at = { flag: 'at', value: 'TIME', description: 'a time, such as "10 minutes ago", 14:30 or 2026-11-28T14:30Z' };
const to = { flag: 'to', value: 'BOOKMARK', description: 'a commit that history lists' };
const watch = { flag: 'watch', description: 'print it again every second' };

export const commands: readonly Command[] = [
  {
    name: 'start',
    summary: 'mount the databases and serve them over HTTP until told to stop',
    settings: settingNames,
    load: () => import('../commands/start.ts'),
  },
  {
    name: 'status',
    summary: 'show what the running daemon does',
    settings: whichDaemon,
    switches: [
      json,
      watch,
      { flag: 'alive', description: 'only ask whether the mount and HTTP answer: exit code 0, or 1 with the reason' },
    ],
    load: () => import('../commands/status.ts'),
  },
  {
    name: 'locks',
    arguments: [{ name: 'DB', isOptional: true }],
    summary: 'show who holds and who waits for locks of the databases on the mount',
    settings: whichDaemon,
    switches: [json, watch],
    load: () => import('../commands/locks.ts'),
  },
  {
    name: 'tier',
    arguments: [
      { name: 'list|set|flush|keep', values: ['list', 'set', 'flush', 'keep'] },
      { name: 'NAME', isOptional: true },
      { name: 'ram|disk', isOptional: true, values: ['ram', 'disk'] },
    ],
    summary: 'list databases that work in RAM, move one, or have the durable copies brought up to date at once',
    settings: whichDaemon,
    switches: [json],
    load: () => import('../commands/tier.ts'),
  },
  {
    name: 'stop',
    summary: 'stop the running daemon and wait until it has ended; a second stop may make the first one quicker',
    settings: [...whichDaemon, 'drainSeconds'],
    switches: [{ flag: 'force', description: 'wait for no requests and programs, as --drain 0' }, json],
    load: () => import('../commands/stop.ts'),
  },
  {
    name: 'reload',
    arguments: [{ name: 'PID', isOptional: true }],
    summary: 'replace the processes of the running daemon by those of the installed program, without a pause',
    settings: [...whichDaemon, 'config'],
    switches: [json],
    load: () => import('../commands/reload.ts'),
  },
  {
    name: 'unmount',
    summary: 'clear a mount that a dead daemon has left behind',
    settings: whichDaemon,
    switches: [json],
    load: () => import('../commands/unmount.ts'),
  },
  {
    name: 'check',
    summary: 'say what this machine can do and cannot do, and how to change it',
    settings: ['mount', 'data', 'listen', 'runDir', 'ship'],
    switches: [json],
    load: () => import('../commands/check.ts'),
  },
  {
    name: 'config',
    arguments: [
      { name: 'show|validate', values: ['show', 'validate'] },
      { name: 'OPTION', isOptional: true, values: 'option' },
    ],
    summary: 'show the value of every option of start and where it comes from, or only say what is wrong',
    settings: settingNames,
    switches: [json],
    takesFaults: true,
    load: () => import('../commands/config.ts'),
  },
  {
    name: 'backup',
    arguments: [{ name: 'NAME' }, { name: 'FILE|-', values: 'file' }],
    other: { flag: 'all', arguments: [{ name: 'DIR', values: 'directory' }] },
    summary: 'save a database to a file or (-) to stdout while it is in use, or all databases to a folder',
    settings: whichDaemon,
    switches: [{ flag: 'all', description: 'save every database, each under its name below DIR' }, force, json],
    load: () => import('../commands/backup.ts'),
  },
  {
    name: 'restore',
    arguments: [{ name: 'FILE', values: 'file' }, { name: 'NAME' }],
    other: {
      flag: 'from',
      value: 'URL',
      arguments: [
        { name: 'NAME', isOptional: true },
        { name: 'FILE', isOptional: true, values: 'file' },
      ],
    },
    summary: 'put a saved database back, also while clients have it open; or one that was shipped, on any machine',
    settings: whichDaemon,
    values: [
      { flag: 'from', value: 'URL', description: 'where --ship wrote to; without NAME: list what is there' },
      { flag: 'at', value: 'TIME', description: 'with --from: as it was then, not as it was last' },
    ],
    switches: [
      { flag: 'all', description: 'with --from: every database; an argument is the folder to put them in' },
      force,
      json,
    ],
    load: () => import('../commands/restore.ts'),
  },
  {
    name: 'history',
    arguments: [{ name: 'NAME' }],
    summary: 'list the commits of a database, newest first: when, who, how many pages, which tables',
    settings: whichDaemon,
    values: [
      { flag: 'since', value: 'TIME', description: 'only commits from this time on' },
      { flag: 'until', value: 'TIME', description: 'only commits up to this time' },
      { flag: 'before', value: 'BOOKMARK', description: 'only commits before this one' },
      { flag: 'limit', value: 'COUNT', description: 'at most so many (20 unless given)' },
      { flag: 'table', value: 'TABLE', description: 'only what concerns this table' },
    ],
    switches: [json],
    load: () => import('../commands/history.ts'),
  },
  {
    name: 'rewind',
    arguments: [{ name: 'NAME' }],
    summary: 'make an old state of a database the newest one, in one transaction, also while programs have it open',
    settings: whichDaemon,
    values: [at, to],
    switches: [dryRun, yes, json],
    load: () => import('../commands/rewind.ts'),
  },
  {
    name: 'undo',
    arguments: [{ name: 'NAME' }],
    summary: 'take the last rewind of a database back',
    settings: whichDaemon,
    switches: [dryRun, yes, json],
    load: () => import('../commands/undo.ts'),
  },
  {
    name: 'fork',
    arguments: [{ name: 'NAME' }, { name: 'NEW-NAME' }],
    summary: 'make a new database of an old state of another one',
    settings: whichDaemon,
    values: [at, to],
    switches: [json],
    load: () => import('../commands/fork.ts'),
  },
  {
    name: 'diff',
    arguments: [{ name: 'NAME' }, { name: 'FROM' }, { name: 'TO', isOptional: true }],
    summary: 'show what differs between two moments of a database (times or bookmarks, the second is now unless given)',
    settings: whichDaemon,
    values: [{ flag: 'table', value: 'TABLE', description: 'only what concerns this table' }],
    switches: [
      { flag: 'rows', description: 'list the rows that differ' },
      { flag: 'sql', description: 'print statements that lead from the first moment to the second' },
      json,
    ],
    load: () => import('../commands/diff.ts'),
  },
  {
    name: 'query',
    arguments: [{ name: 'NAME' }, { name: 'SELECT' }],
    summary: 'run a SELECT on a database, as it is or as it was',
    settings: whichDaemon,
    values: [at],
    switches: [json],
    load: () => import('../commands/query.ts'),
  },
  {
    name: 'mcp',
    summary: 'serve the databases to an agent as tools, by the Model Context Protocol over stdin and stdout',
    settings: whichDaemon,
    values: [{ flag: 'db', value: 'NAME', description: 'only this database' }],
    switches: [{ flag: 'write', description: 'offer the tools that write, too' }],
    load: () => import('../commands/mcp.ts'),
  },
  {
    name: 'archive',
    arguments: [
      { name: 'status|verify|prune|export', values: ['status', 'verify', 'prune', 'export'] },
      { name: 'NAME', isOptional: true },
    ],
    summary: 'show the kept commits of all databases, check that they are sound, remove old ones now, or export them',
    settings: [...whichDaemon, 'stateDir'],
    values: [
      { flag: 'before', value: 'TIME', description: 'with prune: remove what is older' },
      { flag: 'to', value: 'URL', description: 'with export: the folder or bucket that gets the commits of NAME' },
    ],
    switches: [json],
    load: () => import('../commands/archive.ts'),
  },
  {
    name: 'service',
    arguments: [{ name: 'install|uninstall|status', values: ['install', 'uninstall', 'status'] }],
    summary: 'run the daemon under systemd, with the flags given to install',
    settings: settingNames,
    switches: [{ flag: 'print', description: 'with install: print the unit instead of installing it' }, json],
    load: () => import('../commands/service.ts'),
  },
  {
    name: 'completion',
    arguments: [{ name: 'bash|zsh|fish', values: ['bash', 'zsh', 'fish'] }],
    summary: 'print the completion of commands and flags for a shell',
    settings: [],
    load: () => import('../commands/completion.ts'),
  },
  {
    name: 'version',
    summary: 'print the version',
    settings: [],
    switches: [json],
    load: () => import('../commands/version.ts'),
  },
  {
    name: 'help',
    arguments: [{ name: 'COMMAND', isOptional: true, values: 'command' }],
    summary: 'print this help, or the flags of one command',
    settings: [],
    load: () => import('../commands/help.ts'),
  },
];
