// The server about itself: health, metrics, its own description.
import { readdirSync, statSync } from 'node:fs';
import { stringify } from 'yaml';
import { limits } from '../../messages/limits.ts';
import { json } from '../../messages/reply.ts';
import { secondsText } from '../../messages/time-text.ts';
import type { Route } from '../http/route.ts';
import {
  anyJson,
  integer,
  list,
  mapOf,
  nullable,
  object,
  oneOfTexts,
  optional,
  rfc3339,
  text,
} from '../http/schema.ts';
import { describeApi } from '../openapi.ts';
import type { Services } from '../services.ts';

/** What a client may rely on beyond what every version of the service has. Only what exists. */
const features: readonly string[] = [
  'kv_etag',
  'kv_conditional_writes',
  'kv_conditional_reads',
  'kv_entry',
  'kv_ttl_controls',
  'kv_idempotency',
  'kv_changes',
  'kv_list_cursor',
  'retry_after',
];
const maxOpenDatabases = limits.executors * limits.connectionsPerExecutor;
const started = secondsText(new Date());
const built = secondsText(statSync(import.meta.filename).mtime);
const cacheSchema = object({
  size: integer,
  max_size: integer,
  directory_mode: object({ size: integer, max_size: integer, held: integer }),
});
/** All but `status` only with `verbose`. */
const healthSchema = object({
  status: oneOfTexts('ok'),
  service: optional(text),
  version: optional(text),
  built: optional(rfc3339),
  started: optional(rfc3339),
  pid: optional(integer),
  ip: optional(text),
  userAgent: optional(text),
  memory: optional(object({ rss: integer, heap: integer })),
  fds: optional(nullable(integer)),
  cache: optional(cacheSchema),
  counters: optional(mapOf(integer)),
  features: optional(list(text)),
});
const descriptionSchema = object({
  openapi: text,
  info: mapOf(anyJson),
  servers: list(mapOf(anyJson)),
  tags: list(mapOf(anyJson)),
  paths: mapOf(anyJson),
  components: mapOf(anyJson),
});

/** `routes` is asked for late: the table that holds these rows is what they describe. */
export function systemRoutes(routes: () => readonly Route[]): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/sqlite/health',
      name: 'health',
      summary: 'Whether the server answers',
      tag: 'system',
      access: 'open',
      query: [
        { name: 'verbose', type: 'boolean', default: false, description: 'Also process, memory, counters, features.' },
      ],
      replies: { 200: { description: 'It does.', schema: healthSchema } },
      errors: [],
      handle: (context, services) =>
        context.query.boolean('verbose')
          ? json(verboseHealth(services, context.clientIp, context.headers['user-agent'] ?? ''))
          : json({ status: 'ok' }),
    },
    {
      method: 'GET',
      path: '/api/v1/sqlite/health/cache',
      name: 'cacheHealth',
      summary: 'How many databases are open',
      tag: 'system',
      access: 'open',
      query: [],
      replies: { 200: { description: 'Sizes.', schema: cacheSchema } },
      errors: [],
      handle: (_context, services) => json(cacheHealth(services)),
    },
    {
      method: 'GET',
      path: '/api/v1/sqlite/openapi.json',
      name: 'openApiJson',
      summary: 'This description as JSON',
      tag: 'system',
      access: 'read',
      query: [],
      replies: { 200: { description: 'OpenAPI 3.1.', schema: descriptionSchema } },
      errors: [],
      handle: (_context, services) => json(describeApi(routes(), services.options.version)),
    },
    {
      method: 'GET',
      path: '/api/v1/sqlite/openapi.yaml',
      name: 'openApiYaml',
      summary: 'This description as YAML',
      tag: 'system',
      access: 'read',
      query: [],
      replies: { 200: { description: 'OpenAPI 3.1.', contentType: 'application/yaml', schema: text } },
      errors: [],
      handle: (_context, services) => ({
        status: 200,
        contentType: 'application/yaml; charset=utf-8',
        body: stringify(describeApi(routes(), services.options.version), { aliasDuplicateObjects: false }),
      }),
    },
    {
      method: 'GET',
      path: '/metrics',
      name: 'metrics',
      summary: 'Metrics in Prometheus text',
      tag: 'system',
      access: 'read',
      query: [],
      replies: { 200: { description: 'Metrics.', contentType: 'text/plain', schema: text } },
      errors: [],
      async handle(_context, services) {
        const { text, contentType } = await services.metricsText();
        return { status: 200, contentType, body: text };
      },
    },
  ];
}

function cacheHealth(services: Services): Record<string, unknown> {
  const { openDatabases } = services.counters();
  return { size: openDatabases, max_size: maxOpenDatabases, directory_mode: services.directories.sizes };
}

function verboseHealth(services: Services, clientIp: string, userAgent: string): Record<string, unknown> {
  const { rss, heapUsed } = process.memoryUsage();
  const { requests, queuedJobs, openDatabases, executors } = services.counters();
  return {
    status: 'ok',
    service: 'hoody-sqlite',
    version: services.options.version,
    built,
    started,
    pid: process.pid,
    ip: clientIp,
    userAgent,
    memory: { rss, heap: heapUsed },
    fds: openDescriptors(),
    cache: cacheHealth(services),
    counters: { requests, queued_jobs: queuedJobs, open_databases: openDatabases, executors },
    features,
  };
}

function openDescriptors(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}
