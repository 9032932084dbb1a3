// The commands of the program, one row each. A command's module is loaded only when it runs.

import { type SettingName, settingNames } from '../config/options.ts';
import type { Command } from './command.ts';

const whichDaemon: readonly SettingName[] = ['mount', 'data', 'runDir'];
const force = { flag: 'force', description: 'replace what is there' };
const json = { flag: 'json', description: 'print JSON' };

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
    switches: [json],
    load: () => import('../commands/status.ts'),
  },
  {
    name: 'locks',
    usage: '[DB]',
    summary: 'show who holds and who waits for locks of the databases on the mount',
    settings: whichDaemon,
    switches: [json, { flag: 'watch', description: 'print it again every second' }],
    positionals: [0, 1],
    load: () => import('../commands/locks.ts'),
  },
  {
    name: 'stop',
    summary: 'stop the running daemon and wait until it has ended',
    settings: whichDaemon,
    load: () => import('../commands/stop.ts'),
  },
  {
    name: 'reload',
    usage: '[PID]',
    summary:
      'replace the processes of the running daemon by new ones of the installed program, without a pause for clients',
    settings: [...whichDaemon, 'config'],
    positionals: [0, 1],
    load: () => import('../commands/reload.ts'),
  },
  {
    name: 'unmount',
    summary: 'clear a mount that a dead daemon has left behind',
    settings: whichDaemon,
    load: () => import('../commands/unmount.ts'),
  },
  {
    name: 'check',
    summary: 'say what this machine can do and cannot do, and how to change it',
    settings: ['mount', 'data', 'listen', 'runDir'],
    switches: [json],
    load: () => import('../commands/check.ts'),
  },
  {
    name: 'backup',
    usage: 'NAME FILE',
    summary: 'save a database to a file while it is in use',
    settings: whichDaemon,
    switches: [force],
    positionals: [2, 2],
    load: () => import('../commands/backup.ts'),
  },
  {
    name: 'restore',
    usage: 'FILE NAME',
    summary: 'put a saved database back, also while clients have it open',
    settings: whichDaemon,
    switches: [force],
    positionals: [2, 2],
    load: () => import('../commands/restore.ts'),
  },
  {
    name: 'service',
    usage: 'install|uninstall|status',
    summary: 'run the daemon under systemd, with the flags given to install',
    settings: settingNames,
    switches: [{ flag: 'print', description: 'with install: print the unit instead of installing it' }],
    positionals: [1, 1],
    load: () => import('../commands/service.ts'),
  },
  {
    name: 'version',
    summary: 'print the version',
    settings: [],
    load: () => import('../commands/version.ts'),
  },
  {
    name: 'help',
    usage: '[COMMAND]',
    summary: 'print this help, or the flags of one command',
    settings: [],
    positionals: [0, 1],
    load: () => import('../commands/help.ts'),
  },
];
