// `service install|uninstall|status`: puts the daemon under systemd, takes it out again, and says how it stands there.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspectMount } from '../../fs/index.ts';
import type { CommandInput } from '../cli/command.ts';
import { print, printResult } from '../cli/output.ts';
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
      return status(input);
    default:
      throw usageError(`unknown action "${action}"`, 'service install, service uninstall or service status');
  }
}

function install(input: CommandInput): ExitCode {
  const { settings, flags, switches } = input;
  checkTogether(settings);
  const template = readFileSync(templatePath, 'utf8');
  const unit = unitText(template, { program: [process.execPath, programPath], settings, flags });
  if (switches.has('print')) {
    print(unit);
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
  printResult(
    input,
    { unit: unitPath, installed: true },
    `${unitName} is installed, enabled and running: ${unitPath}\n`,
  );
  return exitCodes.ok;
}

function uninstall(input: CommandInput): ExitCode {
  const { settings } = input;
  requireSystemd('uninstall');
  const result = { unit: unitPath, installed: false };
  if (!existsSync(unitPath)) {
    const { FragmentPath } = shownUnit();
    if (FragmentPath) {
      throw new CommandError(exitCodes.failed, `${FragmentPath} is part of a package`, {
        hint: 'apt-get remove hoody-sqlite takes it away and keeps the databases',
      });
    }
    printResult(input, result, `${unitName} is not installed\n`);
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
  printResult(
    input,
    result,
    `${unitName} is stopped and removed; the databases and the state directory are left as they are\n`,
  );
  return exitCodes.ok;
}

function status(input: CommandInput): ExitCode {
  requireSystemctl();
  const of = shownUnit();
  if (of.LoadState !== 'loaded') {
    throw new CommandError(exitCodes.noDaemon, `${unitName} is not installed`, {
      hint: 'hoody-sqlite service install',
    });
  }
  const isActive = of.ActiveState === 'active';
  const rows: [string, string | undefined][] = [
    ['unit', `${of.FragmentPath}, ${of.UnitFileState}`],
    [
      'state',
      `${of.ActiveState} (${of.SubState})${isActive ? ` since ${of.ActiveEnterTimestamp}, pid ${of.MainPID}` : ''}`,
    ],
    ['says', of.StatusText || undefined],
    ['restarts', of.NRestarts],
    ['last result', isActive ? undefined : of.Result],
  ];
  const lines = rows.flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(12)} ${text}`]));
  lines.push(isActive ? 'hoody-sqlite status tells the rest' : `journalctl -u ${unitName} tells why`);
  const facts = {
    unit: of.FragmentPath,
    enabled: of.UnitFileState,
    state: of.ActiveState,
    subState: of.SubState,
    pid: isActive ? Number(of.MainPID) : null,
    since: of.ActiveEnterTimestamp || null,
    says: of.StatusText || null,
    restarts: Number(of.NRestarts),
    lastResult: of.Result,
  };
  printResult(input, facts, `${lines.join('\n')}\n`);
  return isActive ? exitCodes.ok : exitCodes.noDaemon;
}

/** What `systemctl show` says of the unit, by property. */
function shownUnit(): Readonly<Record<string, string>> {
  const properties =
    'LoadState,FragmentPath,UnitFileState,ActiveState,SubState,StatusText,MainPID,NRestarts,Result,ActiveEnterTimestamp';
  const lines = systemctl('show', unitName, `--property=${properties}`).trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
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
