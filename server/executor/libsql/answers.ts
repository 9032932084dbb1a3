// Runs the requests of a pipeline or a cursor on a stream, and writes the answers as JSON text.
import { ApiError } from '../../messages/errors.ts';
import { toHranaError } from './errors.ts';
import type { StreamRequest } from './request.ts';
import type { StatementResult } from './results.ts';
import type { StepOutcome, Stream } from './stream.ts';

/** A JSON array with one result for each request. @throws only what ends the whole */
export function runPipeline(stream: Stream, requests: readonly StreamRequest[]): string {
  return `[${requests.map((request) => runRequest(stream, request)).join(',')}]`;
}

/** The entries of a cursor, a line each. */
export function runCursor(stream: Stream, requests: readonly StreamRequest[]): string {
  const [request] = requests;
  if (request?.type !== 'batch') throw new ApiError('INTERNAL_ERROR', 'a cursor is over a batch');
  return stream.batch(request.steps).map(entriesOf).join('');
}

function runRequest(stream: Stream, request: StreamRequest): string {
  try {
    const rest = answerTo(stream, request);
    return `{"type":"ok","response":{"type":"${request.type}"${rest}}}`;
  } catch (error) {
    stream.throwIfFatal(error);
    return `{"type":"error","error":${JSON.stringify(toHranaError(error))}}`;
  }
}

/** What stands behind the type of a response. */
function answerTo(stream: Stream, request: StreamRequest): string {
  switch (request.type) {
    case 'execute':
      return `,"result":${resultText(stream.execute(request.statement))}`;
    case 'batch':
      return `,"result":${batchText(stream.batch(request.steps))}`;
    case 'sequence':
      stream.sequence(request.source);
      return '';
    case 'describe':
      return `,"result":${JSON.stringify(stream.describe(request.source))}`;
    case 'store_sql':
      stream.store(request.sqlId, request.sql);
      return '';
    case 'close_sql':
      stream.unstore(request.sqlId);
      return '';
    case 'get_autocommit':
      return `,"is_autocommit":${stream.transaction.isAutocommit}`;
    case 'close':
      stream.close();
      return '';
    default:
      return request satisfies never;
  }
}

function resultText({ cols, rows, changes, lastInsertRowid }: StatementResult): string {
  const inserted = lastInsertRowid === null ? 'null' : `"${lastInsertRowid}"`;
  return `{"cols":${cols},"rows":[${rows.join(',')}],"affected_row_count":${changes},"last_insert_rowid":${inserted}}`;
}

function batchText(outcomes: readonly StepOutcome[]): string {
  const results = outcomes.map((one) => (one !== null && 'result' in one ? resultText(one.result) : 'null'));
  const errors = outcomes.map((one) => (one !== null && 'error' in one ? errorText(one.error) : 'null'));
  return `{"step_results":[${results.join(',')}],"step_errors":[${errors.join(',')}]}`;
}

function entriesOf(outcome: StepOutcome, step: number): string {
  if (outcome === null) return '';
  if ('error' in outcome) return `{"type":"step_error","step":${step},"error":${errorText(outcome.error)}}\n`;
  const { cols, rows, changes, lastInsertRowid } = outcome.result;
  const inserted = lastInsertRowid === null ? 'null' : `"${lastInsertRowid}"`;
  return [
    `{"type":"step_begin","step":${step},"cols":${cols}}\n`,
    ...rows.map((row) => `{"type":"row","row":${row}}\n`),
    `{"type":"step_end","affected_row_count":${changes},"last_insert_rowid":${inserted}}\n`,
  ].join('');
}

function errorText(thrown: unknown): string {
  return JSON.stringify(toHranaError(thrown));
}
