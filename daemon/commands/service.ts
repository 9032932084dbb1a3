// `service install|uninstall|status`: puts the daemon under systemd, takes it out again, and says how it stands there.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspectMount } from '../../fs/index.ts';
import type { CommandInput } from '../cli/command.ts';
import { checkTogether } from '../config/settings.ts';
import { CommandError, type ExitCode, exitCodes, usageError } from '../errors.ts';
import { listInstances } from '../instance/instances.ts';
import { canonicalMountPoint } from '../instance/paths.ts';
import { unsealDirectory } from '../mount/bare-directory.ts';
import { unitText } from '../systemd/service-unit.ts';

const unitName = 'hoody-sqlite.service';
const unitPath = `/etc/systemd/system/${unitName}`;
const templatePath = fileURLToPath(new URL('../../../systemd/hoody-sqlite.service', import.meta.url));
const programPath = fileURLToPath(new URL('../main.js', import.meta.url));

export async function run(input: CommandInput): Promise<ExitCode> {
  const [action] = input.positionals;
  switch (action) {
    case 'install':
      return install(input);
    case 'uninstall':
      return uninstall(input);
    case 'status':
      return status();
    default:
      throw usageError(`unknown action "${action}"`, 'service install, service uninstall or service status');
  }
}

function install({ settings, flags, switches }: CommandInput): ExitCode {
  checkTogether(settings);
  const template = readFileSync(templatePath, 'utf8');
  const unit = unitText(template, { program: [process.execPath, programPath], settings, flags });
  if (switches.has('print')) {
    process.stdout.write(unit);
    return exitCodes.ok;
  }
  requireSystemd('install');
  writeFileSync(unitPath, unit);
  systemctl('daemon-reload');
  systemctl('enable', unitName);
  // Started anew where it runs already, so that the new flags count.
  const started = spawnSync('systemctl', ['restart', unitName], { encoding: 'utf8' });
  if (started.status !== 0) {
    process.stderr.write(lastLog());
    throw new CommandError(exitCodes.failed, `${unitPath} is written and enabled, but the service does not start`, {
      hint: `journalctl -u ${unitName} tells why; hoody-sqlite check looks at the machine`,
    });
  }
  process.stdout.write(`${unitName} is installed, enabled and running: ${unitPath}\n`);
  return exitCodes.ok;
}

function uninstall({ settings }: CommandInput): ExitCode {
  requireSystemd('uninstall');
  if (!existsSync(unitPath)) {
    process.stdout.write(`${unitName} is not installed\n`);
    return exitCodes.ok;
  }
  const mountPoint = listInstances(settings.runDir)[0]?.record.mount ?? canonicalMountPoint(settings.mount);
  systemctl('disable', '--now', unitName);
  // A daemon of another service or one that was started by hand may serve it.
  if (!inspectMount(mountPoint)) unsealDirectory(mountPoint);
  rmSync(unitPath);
  systemctl('daemon-reload');
  // Forgets a failed state; there is none as a rule.
  spawnSync('systemctl', ['reset-failed', unitName]);
  try {
    rmdirSync(settings.runDir);
  } catch {
    // another daemon uses it, or it never was
  }
  process.stdout.write(
    `${unitName} is stopped and removed; the databases and the state directory are left as they are\n`,
  );
  return exitCodes.ok;
}

function status(): ExitCode {
  requireSystemctl();
  const shown = systemctl(
    'show',
    unitName,
    '--property=LoadState,UnitFileState,ActiveState,SubState,StatusText,MainPID,NRestarts,Result,ActiveEnterTimestamp',
  );
  const of = Object.fromEntries(
    shown
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
  if (of.LoadState !== 'loaded') {
    throw new CommandError(exitCodes.noDaemon, `${unitName} is not installed`, {
      hint: 'hoody-sqlite service install',
    });
  }
  const isActive = of.ActiveState === 'active';
  const rows: [string, string | undefined][] = [
    ['unit', `${unitPath}, ${of.UnitFileState}`],
    [
      'state',
      `${of.ActiveState} (${of.SubState})${isActive ? ` since ${of.ActiveEnterTimestamp}, pid ${of.MainPID}` : ''}`,
    ],
    ['says', of.StatusText || undefined],
    ['restarts', of.NRestarts],
    ['last result', isActive ? undefined : of.Result],
  ];
  for (const [name, text] of rows) if (text !== undefined) process.stdout.write(`${name.padEnd(12)} ${text}\n`);
  process.stdout.write(isActive ? 'hoody-sqlite status tells the rest\n' : `journalctl -u ${unitName} tells why\n`);
  return isActive ? exitCodes.ok : exitCodes.noDaemon;
}

function requireSystemd(action: string): void {
  requireSystemctl();
  if (process.getuid?.() !== 0) {
    const command = [process.execPath, programPath, 'service', ...process.argv.slice(3)].join(' ');
    throw new CommandError(exitCodes.failed, `only root may ${action} the service`, { hint: `type: sudo ${command}` });
  }
}

function requireSystemctl(): void {
  if (existsSync('/run/systemd/system')) return;
  throw new CommandError(exitCodes.failed, 'systemd does not run here', {
    hint: 'hoody-sqlite start runs the daemon in the foreground; service install --print shows the unit for an image',
  });
}

function systemctl(...args: string[]): string {
  return execFileSync('systemctl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function lastLog(): string {
  const { stdout } = spawnSync('journalctl', ['-u', unitName, '-n', '10', '-o', 'cat', '--no-pager'], {
    encoding: 'utf8',
  });
  return stdout ?? '';
}
