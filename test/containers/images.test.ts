// What the Containerfiles say about an image, as podman reads it; their programs are tested elsewhere.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../daemon/cli/command-table.ts';
import { parseArguments } from '../../daemon/cli/run.ts';
import { runProgram } from '../helpers/daemon.ts';
import { run } from '../helpers/process.ts';

const checkout = resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string };

interface ImageConfig {
  readonly Labels: Readonly<Record<string, string>>;
  readonly Entrypoint: readonly string[];
  readonly Healthcheck: { readonly Test: readonly string[]; readonly Interval: number };
}

/** The last stage without what needs files: on nothing, so that no registry is asked. */
function bareContainerfile(file: string): string {
  const text = readFileSync(join(checkout, file), 'utf8')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ');
  const last = text.slice(text.lastIndexOf('\nFROM ') + 1).split('\n');
  const kept = last.filter((line) => /^(ARG|LABEL|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|USER)\b/.test(line));
  return ['FROM scratch', ...kept, ''].join('\n');
}

describe.runIf(process.getuid?.() === 0 && spawnSync('which', ['podman']).status === 0)('an image', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function configOf(file: string): Promise<ImageConfig> {
    const store = ['--storage-driver', 'vfs', '--root', join(folder, 'root'), '--runroot', join(folder, 'run')];
    const bare = join(folder, file);
    writeFileSync(bare, bareContainerfile(file));
    const args = [
      'build',
      '--format',
      'docker',
      '--quiet',
      '--tag',
      'bare',
      '--file',
      bare,
      '--build-arg',
      'BASE=base',
    ];
    const built = await run('podman', [...store, ...args, folder]);
    expect(built, built.stderr).toMatchObject({ code: 0 });
    const { stdout } = await run('podman', [...store, 'image', 'inspect', 'bare']);
    const [image] = JSON.parse(stdout) as { Config: object; Healthcheck: object }[];
    return { ...image?.Config, Healthcheck: image?.Healthcheck } as ImageConfig;
  }

  test.each(['Containerfile', 'Containerfile.http'])('%s says what it is and how it is doing', async (file) => {
    const { Labels, Entrypoint, Healthcheck } = await configOf(file);
    const { Test: check } = Healthcheck;
    expect(check[0]).toBe('CMD');
    for (const [program, name, ...args] of [check.slice(1), Entrypoint]) {
      expect(program).toBe('hoody-sqlite');
      const command = commands.find((row) => row.name === name);
      if (!command) throw new Error(`no command ${name}`);
      expect(() => parseArguments(command, args)).not.toThrow();
    }
    expect(Labels['org.opencontainers.image.title']).toMatch(/^hoody-sqlite/);
    if (file === 'Containerfile') expect(Labels['org.opencontainers.image.version']).toBe(version);
    // Where no daemon runs it fails, as a health check has to.
    const [, ...args] = check.slice(1);
    expect((await runProgram([...args, '--run-dir', folder])).code).toBe(3);
  });
});
