// Decodes the query string against the parameters that a route declares. What is declared is checked here, once, so
// that a handler never sees a malformed value; what is not declared is ignored.
import { ApiError } from '../../messages/errors.ts';

/** One query parameter. A malformed integer or boolean is answered by 400 before the handler runs. */
export interface QueryParameter {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'boolean';
  readonly description: string;
  /** A malformed value is taken as none. */
  readonly isLenient?: boolean;
  readonly required?: boolean;
  readonly default?: string | number | boolean;
  /** Smallest and largest integer accepted; outside is 400. Clamping is the handler's business. */
  readonly min?: number;
  readonly max?: number;
}

export class Query {
  readonly #values: Map<string, string>;
  readonly #declared: readonly QueryParameter[];

  /** @throws ApiError INVALID_PARAMETERS naming the first parameter that is missing or malformed. */
  constructor(search: string, declared: readonly QueryParameter[]) {
    this.#values = new Map();
    this.#declared = declared;
    this.#read(search);
    for (const parameter of declared) check(parameter, this.#values.get(parameter.name));
  }

  declares(name: string): boolean {
    return this.#declared.some((parameter) => parameter.name === name);
  }

  /** The value as sent (percent-decoded), whether declared or not. */
  raw(name: string): string | undefined {
    return this.#values.get(name);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value, else the declared default, else ''. */
  text(name: string): string {
    return this.#values.get(name) ?? String(this.#default(name) ?? '');
  }

  /** The value, else the declared default, else 0. An empty value counts as absent. */
  integer(name: string): number {
    return this.optionalInteger(name) ?? Number(this.#default(name) ?? 0);
  }

  optionalInteger(name: string): number | undefined {
    const value = this.#values.get(name);
    return value === undefined || value === '' ? undefined : Number(value);
  }

  /** The value, else the declared default, else false. */
  boolean(name: string): boolean {
    return this.optionalBoolean(name) ?? this.#default(name) === true;
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.#values.get(name);
    return value === undefined || value === '' ? undefined : value === 'true' || value === '1';
  }

  /** Of a parameter that no route knows, the first value counts. */
  #read(search: string): void {
    if (search === '') return;
    for (const pair of search.split('&')) {
      if (pair === '') continue;
      const at = pair.indexOf('=');
      const name = decode(at < 0 ? pair : pair.slice(0, at));
      const value = at < 0 ? '' : decode(pair.slice(at + 1));
      const first = this.#values.get(name);
      if (first === undefined) this.#values.set(name, value);
      else if (first !== value && this.declares(name)) {
        // To choose one of them would answer a question that the client may not have asked, with success.
        throw invalid(`query parameter ${name} was sent twice, with different values: send it once`);
      }
    }
  }

  #default(name: string): string | number | boolean | undefined {
    return this.#declared.find((parameter) => parameter.name === name)?.default;
  }
}

function check(parameter: QueryParameter, value: string | undefined): void {
  const { name } = parameter;
  if (parameter.isLenient) return;
  if (value === undefined || value === '') {
    if (parameter.required) throw invalid(`query parameter ${name} is required`);
    return;
  }
  if (parameter.type === 'boolean' && !/^(true|false|1|0)$/.test(value)) {
    throw invalid(`query parameter ${name} must be true or false`);
  }
  if (parameter.type === 'integer') {
    const number = Number(value);
    if (!/^[+-]?\d+$/.test(value)) throw invalid(`query parameter ${name} must be an integer`);
    if (!Number.isSafeInteger(number)) {
      throw invalid(`query parameter ${name} must be at most ${Number.MAX_SAFE_INTEGER} away from 0`);
    }
    if (parameter.min !== undefined && number < parameter.min) {
      throw invalid(`query parameter ${name} must be at least ${parameter.min}`);
    }
    if (parameter.max !== undefined && number > parameter.max) {
      throw invalid(`query parameter ${name} must be at most ${parameter.max}`);
    }
  }
}

function decode(text: string): string {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalid('the query string is not valid percent-encoded UTF-8');
  }
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
