// What a tool is: its description for models, its schemas, and what it does by way of the routes of the API.
import type { JsonObject } from '../../../messages/json.ts';
import { object, type Schema, text } from '../../http/schema.ts';

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Offered only to who may write. */
  readonly isWrite?: true;
  /** Asks a route of writers, in a way that writes nothing. */
  readonly isPreview?: true;
  /** Asked twice it does no more than once. Of tools that write; the others all are. */
  readonly isIdempotent?: true;
  /** Offered only where commits are kept. */
  readonly needsArchive?: true;
  /** Takes the name of a database, unless the connection is for one. */
  readonly takesDatabase: 'yes' | 'no' | 'optional';
  readonly input: Readonly<Record<string, Argument>>;
  /** Of an object. Clients check answers against it. */
  readonly output: Schema;
  /** @returns JSON text of an object. @throws ApiError */
  readonly run: (call: Call) => Promise<string>;
}

export interface Argument {
  readonly schema: Schema;
  readonly isRequired?: true;
}

export interface Call {
  /** Checked against the input of the tool. */
  readonly args: JsonObject;
  /** As the API takes it; '' where none was named. */
  readonly db: string;
  /** The database that the connection is for, or null. */
  readonly pinned: string | null;
  readonly ask: Ask;
}

/** Asks a route of the API. @returns the body of its answer. @throws ApiError */
export type Ask = (request: Question) => Promise<string>;

export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below /api/v1/sqlite. */
  readonly path: string;
  /** undefined leaves one out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export const needed = (schema: Schema): Argument => ({ schema, isRequired: true });
export const maybe = (schema: Schema): Argument => ({ schema });

const dbSchema: Schema = { ...text, minLength: 1, description: 'Name of the database, as list_databases shows it.' };

/** `isPinned`: the connection is for one database, so that none has to be named. */
export function inputSchema({ takesDatabase, input }: Tool, isPinned: boolean): Schema {
  const rows = Object.entries(input);
  const db = isPinned || takesDatabase === 'no' ? {} : { db: dbSchema };
  const required = rows.filter(([, { isRequired }]) => isRequired).map(([name]) => name);
  if (!isPinned && takesDatabase === 'yes') required.unshift('db');
  const properties = { ...db, ...Object.fromEntries(rows.map(([name, { schema }]) => [name, schema])) };
  return { ...object({}), properties, ...(required.length > 0 && { required }), additionalProperties: false };
}

/** As tools/list shows it. */
export function describeTool(tool: Tool, isPinned: boolean): Schema {
  const { name, title, description, isWrite = false, isIdempotent = false, output } = tool;
  return {
    name,
    title,
    description,
    inputSchema: inputSchema(tool, isPinned),
    outputSchema: output,
    annotations: {
      title,
      readOnlyHint: !isWrite,
      destructiveHint: isWrite,
      idempotentHint: !isWrite || isIdempotent,
      openWorldHint: false,
    },
  };
}
