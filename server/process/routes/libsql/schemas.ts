// Bodies and answers of Hrana, the protocol of libSQL clients, as far as the description tells them.
import { anyJson, list, nullable, object, oneOfTexts, optional, type Schema, text } from '../../http/schema.ts';

const baton = nullable({
  ...text,
  description: 'To be sent with the next request; null where no transaction is open.',
});
const request = object({
  type: oneOfTexts('execute', 'batch', 'sequence', 'describe', 'store_sql', 'close_sql', 'get_autocommit', 'close'),
});

export const pipelineBody: Schema = object({
  baton: optional(nullable(text)),
  requests: list({ ...request, additionalProperties: true }),
});

export const cursorBody: Schema = object({
  baton: optional(nullable(text)),
  batch: { ...object({ steps: list(anyJson) }), additionalProperties: true },
});

export const pipelineAnswer: Schema = object({
  baton,
  base_url: { type: 'null' },
  results: list(
    object({
      type: oneOfTexts('ok', 'error'),
      response: optional(anyJson),
      error: optional(object({ message: text, code: text })),
    }),
  ),
});
