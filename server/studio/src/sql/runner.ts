// One run at a time of a query: what ran, what it answered, and the way to cancel it. Safe mode tries a dangerous
// statement first, rolls it back, and asks with the number of rows that it would change.
import { batch, type Signal, signal } from '@preact/signals';
import { splitStatements } from '../../../messages/sql-statements.ts';
import type { StudioPlan, StudioResult, StudioSqlAnswer, StudioSqlRequest } from '../../../messages/studio/sql.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { ApiError, isAbort, post, request } from '../api/client.ts';
import { canEdit, safeMode, sawSchemaVersion } from '../session.ts';
import { dangersOf } from './dangers.ts';
import { remember } from './history.ts';
import type { Span } from './statement-at.ts';

export interface SqlFailure extends Span {
  readonly message: string;
  readonly hint: string | undefined;
  readonly holder: ApiError['holder'];
}

/** What the view shows. */
export interface Run {
  readonly db: string;
  readonly sql: string;
  /** Where `sql` begins in the editor's text. */
  readonly offset: number;
  readonly parameters: Parameters;
  readonly startedAt: number;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly ms: number;
  readonly results: readonly StudioResult[];
  readonly failure: SqlFailure | null;
}

export type Parameters = Readonly<Record<string, StudioValue>>;

/** Asks before a dangerous statement runs. `changes` counts the rows by the statements' places in the script. */
export type Ask = (reasons: readonly string[], sql: string, changes: number) => Promise<boolean>;

interface Running {
  readonly id: string;
  readonly abort: AbortController;
  isCancelled: boolean;
}

let runs = 0;

export class Runner {
  readonly current: Signal<Run | null> = signal(null);
  /** EXPLAIN QUERY PLAN of the last statement that was run. */
  readonly plan: Signal<StudioPlan | null> = signal(null);
  readonly #db: string;
  #running: Running | null = null;

  constructor(db: string) {
    this.#db = db;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Runs the text; a run that is on its way is cancelled first. `offset`: where it begins in the editor's text. */
  async run(sql: string, offset: number, parameters: Parameters, ask: Ask): Promise<void> {
    await this.cancel();
    const db = this.#db;
    const own: Running = { id: newId(), abort: new AbortController(), isCancelled: false };
    const { id, abort } = own;
    this.#running = own;
    const startedAt = Date.now();
    const shown: Run = { db, sql, offset, parameters, startedAt, state: 'running', ms: 0, results: [], failure: null };
    batch(() => {
      this.current.value = shown;
      this.plan.value = null;
    });
    const body: StudioSqlRequest = {
      sql,
      id,
      ...(!canEdit.peek() && { readOnly: true }),
      ...withParameters(parameters),
    };
    try {
      if (!(await isWanted(db, body, ask, abort.signal))) return this.#finish(own, { ...shown, state: 'cancelled' });
      const answer = await post<StudioSqlAnswer>('studio/sql', { db }, body, abort.signal);
      const ms = Date.now() - startedAt;
      this.#finish(own, { ...shown, state: 'done', ms, results: answer.results });
      remember({ sql, db, at: startedAt, ms, rows: rowsOf(answer.results) });
      sawSchemaVersion(answer.schemaVersion);
    } catch (error) {
      const ms = Date.now() - startedAt;
      // The server's own word may come before the answer to the cancel.
      if (isAbort(error) || own.isCancelled) return this.#finish(own, { ...shown, state: 'cancelled', ms });
      this.#finish(own, { ...shown, state: 'failed', ms, failure: failureOf(error, sql, offset) });
      remember({ sql, db, at: startedAt, ms, rows: null });
    }
  }

  /** Ends the run on the server too: it answers when the statement has stopped. */
  async cancel(): Promise<void> {
    const wanted = this.#running;
    if (wanted === null) return;
    wanted.isCancelled = true;
    await request('DELETE', `studio/sql/${wanted.id}`).catch(() => undefined);
    wanted.abort.abort();
  }

  async explain(sql: string, parameters: Parameters): Promise<void> {
    this.plan.value = await post<StudioPlan>(
      'studio/explain',
      { db: this.#db },
      { sql, ...withParameters(parameters) },
    );
  }

  #finish(own: Running, run: Run): void {
    if (this.#running !== own) return;
    this.#running = null;
    this.current.value = run;
  }
}

async function isWanted(db: string, body: StudioSqlRequest, ask: Ask, abort: AbortSignal): Promise<boolean> {
  if (!safeMode.peek() || body.readOnly) return true;
  const dangers = dangersOf(splitStatements(body.sql));
  if (dangers.length === 0) return true;
  const trial = await post<StudioSqlAnswer>('studio/sql', { db }, { ...body, dryRun: true }, abort);
  const places = new Set(dangers.map(({ statement }) => statement.offset));
  const changes = trial.results.filter(({ start }) => places.has(start)).reduce((sum, one) => sum + one.changes, 0);
  return ask(
    dangers.map(({ reason }) => reason),
    dangers.map(({ statement }) => statement.sql).join(';\n'),
    changes,
  );
}

function rowsOf(results: readonly StudioResult[]): number {
  const last = results.at(-1);
  return last === undefined ? 0 : last.kind === 'rows' ? last.rows.length : last.changes;
}

/** The place in the editor's text: the server's, or the whole of what was run. */
function failureOf(error: unknown, sql: string, offset: number): SqlFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ApiError)) return { message, hint: undefined, holder: undefined, start: offset, end: offset };
  const at = error.body.offset;
  const length = error.body.length;
  const start = offset + (typeof at === 'number' ? at : 0);
  const end = typeof at === 'number' ? start + (typeof length === 'number' ? length : 1) : offset + sql.length;
  return { message, hint: error.hint, holder: error.holder, start, end };
}

function withParameters(parameters: Parameters): { readonly parameters?: Parameters } {
  return Object.keys(parameters).length === 0 ? {} : { parameters };
}

function newId(): string {
  runs += 1;
  return `${Date.now().toString(36)}-${runs}-${Math.random().toString(36).slice(2, 10)}`;
}
