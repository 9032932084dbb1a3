// What the editor offers while one types: tables, columns of the tables that the statement names, and SQLite's words.
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import type { Statement } from '../../../messages/sql-statements.ts';
import type { StudioObject, StudioSchema } from '../../../messages/studio/schema.ts';
import { statementAt } from './statement-at.ts';
import { tablesIn } from './tables-in.ts';

/** Reads the schema anew each time: it changes while the editor is open. */
export function completeFrom(schema: () => StudioSchema | null) {
  return (context: CompletionContext): CompletionResult | null => {
    const script = context.state.doc.toString();
    const before = context.matchBefore(/(?:[\w$\u0080-\uffff]+|"[^"\n]*"?)?\.?[\w$\u0080-\uffff]*/u);
    const text = before?.text ?? '';
    if (text === '' && !context.explicit) return null;
    const dot = text.lastIndexOf('.');
    const from = (before?.from ?? context.pos) + dot + 1;
    const options = optionsFor(schema(), script, context.pos, dot === -1 ? null : unquoted(text.slice(0, dot)));
    return options.length === 0 ? null : { from, options, validFor: /^[\w$\u0080-\uffff]*$/u };
  };
}

/** `owner`: what stands before the point, or null without one. Pure. */
function optionsFor(
  schema: StudioSchema | null,
  script: string,
  cursor: number,
  owner: string | null,
): readonly Completion[] {
  const objects = schema?.objects ?? [];
  const statement = statementAt(script, cursor);
  const named = statement === undefined ? [] : namedObjects(objects, script, statement);
  if (owner !== null) {
    const aliased = named.find(
      ({ alias, object }) => isSame(alias ?? object.name, owner) || isSame(object.name, owner),
    );
    const object = aliased?.object ?? objects.find(({ name }) => isSame(name, owner));
    return object === undefined ? [] : columnsOf(object, 1);
  }
  const tables = objects
    .filter(({ group }) => group !== 'system')
    .map(({ name, type }) => ({ label: name, type: type === 'view' ? 'interface' : 'class', ...applied(name) }));
  const aliases = named.flatMap(({ alias, object }) =>
    alias === null ? [] : [{ label: alias, type: 'variable', detail: object.name, boost: 1, ...applied(alias) }],
  );
  return [...named.flatMap(({ object }) => columnsOf(object, 2)), ...aliases, ...tables];
}

function namedObjects(objects: readonly StudioObject[], script: string, { tokens }: Statement) {
  return tablesIn(script, tokens).flatMap(({ table, alias }) => {
    const object = objects.find(({ name }) => isSame(name, table));
    return object === undefined ? [] : [{ object, alias }];
  });
}

function columnsOf({ name: table, columns }: StudioObject, boost: number): Completion[] {
  return columns.map(({ name, type }) => ({
    label: name,
    type: 'property',
    detail: `${type} ${table}`.trim(),
    boost,
    ...applied(name),
  }));
}

/** A name that is no plain word is written in quotes. */
function applied(name: string): { readonly apply?: string } {
  return /^[A-Za-z_][\w$]*$/.test(name) ? {} : { apply: `"${name.replaceAll('"', '""')}"` };
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1).replace(/"$/, '').replaceAll('""', '"') : name;
}
