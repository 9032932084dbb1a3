// JSON schemas of answers and bodies, in the few words that the route table needs.

export type Schema = Readonly<Record<string, unknown>>;

/** A member that is not always there. */
interface Optional {
  readonly optional: Schema;
}

export const text: Schema = { type: 'string' };
export const integer: Schema = { type: 'integer' };
export const number: Schema = { type: 'number' };
export const boolean: Schema = { type: 'boolean' };
export const succeeded: Schema = { type: 'boolean', const: true };
/** Any JSON at all. */
export const anyJson: Schema = {};
export const unixSeconds: Schema = { type: 'integer', description: 'Unix time in seconds.' };
export const rfc3339: Schema = { type: 'string', format: 'date-time' };
export const base64: Schema = { type: 'string', contentEncoding: 'base64' };

/** The body of every error: openapi.ts describes it. */
export const errorReference: Schema = { $ref: '#/components/schemas/Error' };

export function optional(schema: Schema): Optional {
  return { optional: schema };
}

export function nullable(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

export function oneOfTexts(...values: readonly string[]): Schema {
  return { type: 'string', enum: values };
}

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

/** Any names, all with values of this kind. */
export function mapOf(values: Schema): Schema {
  return { type: 'object', additionalProperties: values };
}

/** Every member is always there but for those marked `optional`. */
export function object(members: Readonly<Record<string, Schema | Optional>>): Schema {
  const entries = Object.entries(members);
  const required = entries.filter(([, member]) => !isOptional(member)).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(
      entries.map(([name, member]) => [name, isOptional(member) ? member.optional : member]),
    ),
    ...(required.length === 0 ? {} : { required }),
  };
}

function isOptional(member: Schema | Optional): member is Optional {
  return 'optional' in member && typeof member.optional === 'object';
}
