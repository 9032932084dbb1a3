// Numbers as Redis reads and writes them: 64-bit integers without any decoration, and decimals that are added exactly.
import { RedisError } from './values.ts';

const minInteger = -(2n ** 63n);
const maxInteger = 2n ** 63n - 1n;
const notInteger = 'ERR value is not an integer or out of range';
/** Digits behind the point that Redis keeps. */
const decimals = 17;
/** Beyond it a double has no such number. */
const maxExponent = 400;

/** @throws RedisError for anything but a 64-bit integer in its plain form */
export function integerOf(text: string, message = notInteger): bigint {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) throw new RedisError(message);
  const value = BigInt(text);
  if (value < minInteger || value > maxInteger) throw new RedisError(message);
  return value;
}

/** An integer that a number holds exactly; what is larger stands for "as many as there are". */
export function countOf(text: string, message = notInteger): number {
  const value = integerOf(text, message);
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > limit ? limit : value < -limit ? -limit : value);
}

/** @throws RedisError where the sum leaves 64 bits */
export function sumOf(value: bigint, delta: bigint): bigint {
  const sum = value + delta;
  if (sum < minInteger || sum > maxInteger) throw new RedisError('ERR increment or decrement would overflow');
  return sum;
}

/** The sum of two decimals, without the errors of doubles, in plain notation. @throws RedisError for no number */
export function decimalSum(one: string, other: string, message: string): string {
  const [left, right] = [decimalOf(one, message), decimalOf(other, message)];
  const scale = Math.max(left.scale, right.scale);
  return shown(raised(left, scale) + raised(right, scale), scale);
}

interface Decimal {
  /** The number is digits / 10^scale. */
  readonly digits: bigint;
  readonly scale: number;
}

function decimalOf(text: string, message: string): Decimal {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text);
  const [, sign = '', whole = '', part = '', exponent = '0'] = match ?? [];
  if (match === null || whole + part === '' || text.length > maxExponent) throw new RedisError(message);
  if (Math.abs(Number(exponent)) > maxExponent || !Number.isFinite(Number(text))) throw new RedisError(message);
  const scale = part.length - Number(exponent);
  const digits = BigInt(whole + part) * (sign === '-' ? -1n : 1n);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function raised({ digits, scale }: Decimal, toScale: number): bigint {
  return digits * 10n ** BigInt(toScale - scale);
}

function shown(digits: bigint, scale: number): string {
  if (scale > decimals) {
    const unit = 10n ** BigInt(scale - decimals);
    const half = digits < 0n ? -(unit / 2n) : unit / 2n;
    return shown((digits + half) / unit, decimals);
  }
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  const whole = text.slice(0, text.length - scale);
  const part = text.slice(text.length - scale).replace(/0+$/, '');
  const sign = digits < 0n ? '-' : '';
  return `${sign}${whole}${part === '' ? '' : `.${part}`}`;
}
