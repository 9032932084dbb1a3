// SQL text, cut into statements, with what is known of it before SQLite sees it. Clients send the same texts with other
// values: the newest texts are remembered.
import { isReading, type Statement, splitStatements } from '../../messages/sql-statements.ts';
import { nameOf, type Token } from '../../messages/sql-tokens.ts';
import { type Parameter, parametersOf, positionsOf } from './bind.ts';
import { isIgnoredPragma } from './guard.ts';

export interface ScriptStatement {
  readonly statement: Statement;
  readonly parameters: readonly Parameter[];
  /** How many values of a list it takes. */
  readonly positions: number;
}

export interface Script {
  readonly statements: readonly ScriptStatement[];
  /**
   * It reads and writes rows and nothing else: no schema, no settings, and nothing of what the connection did before.
   */
  readonly isPlain: boolean;
  /** It may write. */
  readonly writes: boolean;
  /** Its words were found to be allowed. */
  isAdmitted: boolean;
}

const rememberedTexts = 500;
const rememberedChars = 4_096;
const remembered = new Map<string, Script>();

const plainKeywords: ReadonlySet<string> = new Set([
  'DELETE',
  'INSERT',
  'REPLACE',
  'SELECT',
  'UPDATE',
  'VALUES',
  'WITH',
]);
/** What they answer depends on what the connection has written, or they end the transaction, or are pragmas. */
const sideWord = /^(?:changes|total_changes|last_insert_rowid|rollback|pragma_.*)$/i;

export function scriptOf(sql: string): Script {
  const known = remembered.get(sql);
  if (known !== undefined) return known;
  const script = read(sql);
  if (sql.length > rememberedChars) return script;
  if (remembered.size >= rememberedTexts) remembered.clear();
  remembered.set(sql, script);
  return script;
}

function read(sql: string): Script {
  const statements = splitStatements(sql);
  return {
    statements: statements.map((statement) => {
      const parameters = parametersOf(statement);
      return { statement, parameters, positions: positionsOf(parameters) };
    }),
    isPlain: statements.length > 0 && statements.every(isPlain),
    writes: !statements.every((one) => isReading(one) || isIgnoredPragma(one)),
    isAdmitted: false,
  };
}

function isPlain({ keyword, tokens }: Statement): boolean {
  const isSide = (token: Token): boolean =>
    (token.kind === 'word' || token.kind === 'quoted') && sideWord.test(nameOf(token));
  return plainKeywords.has(keyword) && !tokens.some(isSide);
}
