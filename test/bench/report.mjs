// What every part of the suite says of itself beside its table: JSON for whoever compares runs.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';

/** Takes `--json FILE` out of the arguments. @returns {(report: object) => void} which does nothing without a file */
export function jsonReport(args) {
  const at = args.indexOf('--json');
  const [, path] = at < 0 ? [] : args.splice(at, 2);
  return (report) => {
    if (path !== undefined) writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  };
}

export function machine() {
  return { cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version, load: loadavg() };
}

export function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}
