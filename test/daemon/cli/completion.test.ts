// The completions, run by the shells themselves: typed on a terminal, with the TAB key.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../../daemon/cli/command-table.ts';
import { bashCompletion } from '../../../daemon/cli/completion-bash.ts';
import { fishCompletion } from '../../../daemon/cli/completion-fish.ts';
import { zshCompletion } from '../../../daemon/cli/completion-zsh.ts';
import { options } from '../../../daemon/config/options.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
  writeFileSync(join(folder, 'bash'), bashCompletion(commands));
  writeFileSync(join(folder, 'zsh'), zshCompletion(commands));
  writeFileSync(join(folder, 'fish'), fishCompletion(commands));
  mkdirSync(join(folder, 'a folder'));
  writeFileSync(join(folder, 'a file.db'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

const has = (shell: string) => spawnSync('which', [shell]).status === 0;

/** What bash would offer for the last of `words`. */
function bash(...words: string[]): string[] {
  // As readline divides a line: "=" is a word of its own.
  const split = words.flatMap((word) => (word.startsWith('--') ? word.split(/(?==)|(?<==)/) : [word]));
  const script = `cd "$1"; source ./bash; shift; COMP_WORDS=(hoody-sqlite "$@"); COMP_CWORD=$#
_hoody_sqlite; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', folder, ...split], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

/** Types `keys` at a shell on a terminal and returns what appears until `expected` does, or ten seconds have passed. */
function typed(shell: readonly string[], setup: string, keys: string, expected: string): string {
  const program = `
import os, pty, select, sys, time
shell, setup, keys, expected = sys.argv[1].split(), *sys.argv[2:]
pid, fd = pty.fork()
if pid == 0: os.execvp(shell[0], shell)
def until(text):
    seen, ends = "", time.time() + 10
    while text not in seen and time.time() < ends:
        if select.select([fd], [], [], 0.1)[0]: seen += os.read(fd, 65536).decode()
    return seen
os.write(fd, (setup + "; echo se''t up\\n").encode())
until("set up")
os.write(fd, keys.encode())
print(until(expected))
os.kill(pid, 9)`;
  const env = { ...process.env, TERM: 'dumb', PS1: '$ ', HOME: folder };
  const run = spawnSync('python3', ['-c', program, shell.join(' '), setup, keys, expected], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return run.stdout + run.stderr;
}

describe('bash', () => {
  test('offers commands, the flags of a command, and the values of both', () => {
    expect(bash('')).toEqual(commands.map(({ name }) => name));
    expect(bash('st')).toEqual(['start', 'status', 'stop']);
    expect(bash('start', '--log-')).toEqual(['--log-level', '--log-format']);
    expect(bash('stop', '--')).toEqual(expect.arrayContaining(['--drain', '--force', '--json']));
    expect(bash('start', '--passthrough', 'o')).toEqual(['on', 'off']);
    expect(bash('start', '--passthrough=o')).toEqual(['on', 'off']);
    expect(bash('start', '--log-format=')).toEqual(['auto', 'json', 'text', 'journal']);
    expect(bash('service', 'un')).toEqual(['uninstall']);
    expect(bash('config', '--data', '/x', 'show', 'lo')).toEqual([
      'locks',
      'locks-kernel',
      'lock-limit',
      'log-level',
      'log-format',
    ]);
    expect(bash('config', '--data=/x', 'sh')).toEqual(['show']);
    expect(bash('help', 'res')).toEqual(['restore']);
    expect(bash('rewind', '--')).toEqual(expect.arrayContaining(['--at', '--to', '--yes', '--data']));
    expect(bash('archive', '--before', '1h', 've')).toEqual(['verify']);
  });

  test('offers folders, files, or nothing, as the flag or the argument says', () => {
    expect(bash('start', '--data', 'a')).toEqual(['a folder']);
    expect(bash('start', '--config', 'a').sort()).toEqual(['a file.db', 'a folder']);
    expect(bash('restore', 'a').sort()).toEqual(['a file.db', 'a folder']);
    expect(bash('backup', 'a')).toEqual([]);
    expect(bash('backup', '--all', 'a')).toEqual(['a folder']);
    expect(bash('backup', 'app', 'a').sort()).toEqual(['a file.db', 'a folder']);
    expect(bash('start', '--user', '')).toEqual([]);
    expect(bash('no-such-command', '--')).toEqual([]);
  });

  test('on a terminal', () => {
    const shell = ['bash', '--norc', '--noprofile', '-i'];
    expect(typed(shell, 'source ./bash', 'hoody-sqlite reload --run\t', '--run-dir')).toContain('--run-dir');
  });
});

test('every flag of the tables is known to every shell', () => {
  for (const text of [bashCompletion(commands), zshCompletion(commands), fishCompletion(commands)]) {
    for (const { flag } of Object.values(options)) expect(text).toContain(flag);
    for (const { name } of commands) expect(text).toContain(name);
  }
});

describe.runIf(has('zsh'))('zsh', () => {
  const setup = 'autoload -Uz compinit && compinit -D -u && source ./zsh';
  test.each([
    ['hoody-sqlite reloa\t', 'reload'],
    ['hoody-sqlite reload --run\t', '--run-dir'],
    ['hoody-sqlite start --log-format=jo\t', 'journal'],
    ['hoody-sqlite service unin\t', 'uninstall'],
    ['hoody-sqlite start --data a\t', 'a\\ folder'],
  ])('completes %j', (keys, expected) => {
    expect(typed(['zsh', '-f', '-i'], setup, keys, expected)).toContain(expected);
  });

  test('takes it from its function path', () => {
    mkdirSync(join(folder, 'functions'));
    writeFileSync(join(folder, 'functions/_hoody-sqlite'), zshCompletion(commands));
    const path = 'fpath=(./functions $fpath); autoload -Uz compinit && compinit -D -u';
    expect(typed(['zsh', '-f', '-i'], path, 'hoody-sqlite reloa\t', 'reload')).toContain('reload');
  });
});

describe.runIf(has('fish'))('fish', () => {
  const fish = (line: string) => {
    const script = 'source $argv[1]/fish; cd $argv[1]; complete -C $argv[2]';
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script, folder, line], {
      encoding: 'utf8',
      env: { ...process.env, HOME: folder },
    });
    expect(stderr).toBe('');
    return stdout.split('\n').flatMap((row) => row.split('\t')[0] || []);
  };

  test('offers commands, flags, values and folders', () => {
    expect(fish('hoody-sqlite st').sort()).toEqual(['start', 'status', 'stop']);
    expect(fish('hoody-sqlite start --log-').sort()).toEqual(['--log-format', '--log-level']);
    expect(fish('hoody-sqlite start --passthrough o').sort()).toEqual(['off', 'on']);
    expect(fish('hoody-sqlite service un')).toEqual(['uninstall']);
    expect(fish('hoody-sqlite start --data a')).toEqual(['a folder/']);
    expect(fish('hoody-sqlite restore a')).toContain('a file.db');
    expect(fish('hoody-sqlite version --')).toEqual(['--json']);
  });
});
