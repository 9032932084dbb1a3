// Decodes what libSQL clients send (Hrana 2 and 3 as JSON: docs/HRANA_3_SPEC.md of tursodatabase/libsql), or refuses it
// before anything runs.
import { ApiError } from '../../messages/errors.ts';
import { isObject, type Json, type JsonObject } from '../../messages/json.ts';
import { limits } from '../../messages/limits.ts';
import { decodeArguments, type StatementArguments } from './values.ts';

/** A text of SQL, or the id under which one was stored. */
export type SqlSource = { readonly sql: string } | { readonly sqlId: number };

export interface HranaStatement {
  readonly source: SqlSource;
  readonly args: StatementArguments;
  readonly wantRows: boolean;
}

export type Condition =
  | { readonly type: 'ok' | 'error'; readonly step: number }
  | { readonly type: 'not'; readonly cond: Condition }
  | { readonly type: 'and' | 'or'; readonly conds: readonly Condition[] }
  | { readonly type: 'is_autocommit' };

export interface Step {
  readonly condition: Condition | null;
  readonly statement: HranaStatement;
}

export type StreamRequest =
  | { readonly type: 'execute'; readonly statement: HranaStatement }
  | { readonly type: 'batch'; readonly steps: readonly Step[] }
  | { readonly type: 'sequence' | 'describe'; readonly source: SqlSource }
  | { readonly type: 'store_sql'; readonly sqlId: number; readonly sql: string }
  | { readonly type: 'close_sql'; readonly sqlId: number }
  | { readonly type: 'get_autocommit' | 'close' };

/** Of conditions within conditions. */
const deepest = 100;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws ApiError INVALID_PARAMETERS, PAYLOAD_TOO_LARGE */
export function decodePipeline(body: Uint8Array): readonly StreamRequest[] {
  const { requests } = parseBody(body);
  if (!Array.isArray(requests)) throw invalid('requests must be an array');
  checkCount(requests.length, 'requests');
  return requests.map((request, index) => within(`requests[${index}]`, () => decodeRequest(request)));
}

/** @throws ApiError INVALID_PARAMETERS, PAYLOAD_TOO_LARGE */
export function decodeCursor(body: Uint8Array): readonly StreamRequest[] {
  return [{ type: 'batch', steps: within('batch', () => decodeSteps(parseBody(body).batch)) }];
}

function parseBody(body: Uint8Array): JsonObject {
  let members: Json;
  try {
    members = JSON.parse(utf8.decode(body)) as Json;
  } catch (cause) {
    throw invalid(`the body is not valid JSON: ${cause instanceof Error ? cause.message : 'unreadable'}`);
  }
  if (!isObject(members)) throw invalid('the body must be a JSON object');
  return members;
}

function decodeRequest(request: Json | undefined): StreamRequest {
  const members = objectOf(request, 'a request');
  const { type } = members;
  switch (type) {
    case 'execute':
      return { type, statement: within('stmt', () => decodeStatement(members.stmt)) };
    case 'batch':
      return { type, steps: within('batch', () => decodeSteps(members.batch)) };
    case 'sequence':
    case 'describe':
      return { type, source: decodeSource(members) };
    case 'store_sql':
      return { type, sqlId: idOf(members.sql_id), sql: textOf(members.sql, 'sql') };
    case 'close_sql':
      return { type, sqlId: idOf(members.sql_id) };
    case 'get_autocommit':
    case 'close':
      return { type };
    default:
      throw invalid(`${JSON.stringify(type ?? null)} is no type of request`);
  }
}

function decodeSteps(batch: Json | undefined): readonly Step[] {
  const { steps } = objectOf(batch, 'a batch');
  if (!Array.isArray(steps)) throw invalid('steps must be an array');
  checkCount(steps.length, 'steps');
  return steps.map((step, index) => within(`steps[${index}]`, () => decodeStep(step, index)));
}

function decodeStep(step: Json, index: number): Step {
  const { stmt, condition } = objectOf(step, 'a step');
  const statement = within('stmt', () => decodeStatement(stmt));
  return { statement, condition: condition ? decodeCondition(condition, index, 0) : null };
}

/** `before`: the steps that it may name. */
function decodeCondition(condition: Json | undefined, before: number, depth: number): Condition {
  if (depth > deepest) throw invalid(`conditions stand at most ${deepest} deep in one another`);
  const { type, step, cond, conds } = objectOf(condition, 'a condition');
  switch (type) {
    case 'ok':
    case 'error':
      if (typeof step !== 'number' || !Number.isInteger(step) || step < 0 || step >= before) {
        throw invalid('the step of a condition must be the number of an earlier step');
      }
      return { type, step };
    case 'not':
      return { type, cond: decodeCondition(cond, before, depth + 1) };
    case 'and':
    case 'or':
      if (!Array.isArray(conds)) throw invalid('conds must be an array');
      return { type, conds: conds.map((one) => decodeCondition(one, before, depth + 1)) };
    case 'is_autocommit':
      return { type };
    default:
      throw invalid(`${JSON.stringify(type ?? null)} is no type of condition`);
  }
}

function decodeStatement(statement: Json | undefined): HranaStatement {
  const members = objectOf(statement, 'a statement');
  const wantRows = members.want_rows ?? true;
  if (typeof wantRows !== 'boolean') throw invalid('want_rows must be true or false');
  return { source: decodeSource(members), args: decodeArguments(members.args, members.named_args), wantRows };
}

function decodeSource({ sql, sql_id: sqlId }: JsonObject): SqlSource {
  const isText = sql !== undefined && sql !== null;
  if (isText === (sqlId !== undefined && sqlId !== null)) throw invalid('exactly one of sql and sql_id is needed');
  return isText ? { sql: textOf(sql, 'sql') } : { sqlId: idOf(sqlId) };
}

function idOf(value: Json | undefined): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw invalid('sql_id must be an integer');
}

function textOf(value: Json | undefined, name: string): string {
  if (typeof value === 'string') return value;
  throw invalid(`${name} must be a string`);
}

function objectOf(value: Json | undefined, what: string): JsonObject {
  if (value !== undefined && isObject(value)) return value;
  throw invalid(`${what} must be an object`);
}

function checkCount(count: number, what: string): void {
  if (count <= limits.transactionItems) return;
  throw new ApiError('PAYLOAD_TOO_LARGE', `there may be at most ${limits.transactionItems} ${what}`);
}

/** Errors say where. */
function within<Result>(place: string, decode: () => Result): Result {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new ApiError(error.code, `${place}: ${error.message}`, { cause: error });
  }
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
