// SQL that seemed only to read, on a connection that can only read: the server has done by another executor what ends
// here with an error of messages/hand-back.ts.
import { type ErrorData, fromErrorData } from '../../messages/errors.ts';
import { mayNeedWriter, needsWriter } from '../../messages/hand-back.ts';
import { readsOnly } from '../../messages/sql-reading.ts';
import type { Statement } from '../../messages/sql-statements.ts';
import type { Connection } from '../connection.ts';

/** Call it before anything runs. @throws ApiError where a statement may write, on a connection that cannot */
export function handBackWrites({ mode }: Connection, statements: readonly Statement[]): void {
  if (mode === 'read' && !statements.every(readsOnly)) throw needsWriter();
}

/** The server looks at what is thrown, not into answers. @throws ApiError */
export function answerOrHandBack<Answer extends { readonly error: ErrorData | null }>(
  { mode }: Connection,
  answer: Answer,
): Answer {
  if (mode === 'read' && answer.error !== null && mayNeedWriter(answer.error.code)) throw fromErrorData(answer.error);
  return answer;
}
