// The options of the tier in RAM: where it is, which databases begin there, and how far their durable copies may be
// behind.
import type { Option } from './option.ts';
import { list, path, sizeBytes, sizeText } from './option-values.ts';

export interface RamdiskSettings {
  /** A directory; `auto`: /ramdisk, once a database is to be in RAM. */
  readonly ramdisk: string;
  /** Globs of paths below the data directory. */
  readonly ram: readonly string[];
  readonly ramdiskLagMs: number;
  /** Of all files in RAM together; 0: what the tmpfs has room for. */
  readonly ramdiskMaxBytes: number;
}

const leastLagMs = 50;
const mostLagMs = 60_000;

export const ramdiskOptions: { readonly [K in keyof RamdiskSettings]: Option<RamdiskSettings[K]> } = {
  ramdisk: {
    flag: 'ramdisk',
    value: 'DIR|off',
    parse: (text) => (text === 'off' || text === 'auto' ? text : path(text)),
    byDefault: () => 'auto',
    defaultText: '/ramdisk, once --ram or tier set asks for it',
    description: 'tmpfs for databases that work in RAM; it is mounted there unless one is',
  },
  ram: {
    flag: 'ram',
    value: 'GLOB',
    parse: list,
    byDefault: () => [],
    defaultText: 'none',
    description:
      'databases that work in RAM and have a durable copy in the data directory, by their path there; may be repeated',
    isList: true,
  },
  ramdiskLagMs: {
    flag: 'ramdisk-lag',
    value: 'DURATION',
    parse: lagMs,
    byDefault: () => 1_000,
    defaultText: '1s',
    description: 'how far the durable copy of a database in RAM may be behind: what a reboot of the host may lose',
    unitText: (ms) => (ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`),
  },
  ramdiskMaxBytes: {
    flag: 'ramdisk-max-bytes',
    value: 'BYTES|auto',
    parse: (text) => (text === 'auto' ? 0 : sizeBytes(text)),
    byDefault: () => 0,
    defaultText: 'auto: 90 % of the tmpfs',
    description: 'databases are loaded into RAM up to this sum',
    textOf: (bytes) => (bytes === 0 ? 'auto' : String(bytes)),
    unitText: (bytes) => (bytes === 0 ? 'auto' : sizeText(bytes)),
  },
};

function lagMs(text: string): number {
  const match = /^(\d{1,6})(ms|s|)$/.exec(text);
  const value = match ? Number(match[1]) * (match[2] === 'ms' ? 1 : 1_000) : Number.NaN;
  if (!(value >= leastLagMs && value <= mostLagMs)) throw new Error('expected 50ms to 60s, such as 250ms or 1s');
  return value;
}
