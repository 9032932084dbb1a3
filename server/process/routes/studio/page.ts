// The studio's page: `/` and the files that vite built into dist/server/studio. They hold no data, so they need no
// token. Where the page is not built, `/` is the landing page, and the API serves on.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiError } from '../../../messages/errors.ts';
import type { Reply } from '../../../messages/reply.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Header, Route } from '../../http/route.ts';
import { text } from '../../http/schema.ts';
import type { Services } from '../../services.ts';
import { landingPage } from '../landing.ts';

/** Built beside the compiled server; tests run the source. */
const builtPage = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../../dist/server/studio/' : '../../../studio/', import.meta.url),
);
/** What stands in the built HTML wherever the nonce of an answer belongs. */
const noncePlaceholder = '__CSP_NONCE__';
/** vite puts the hash of a file's content into its name: what has this name never changes. */
const assetCache = 'public, max-age=31536000, immutable';

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};
/** Precompressed siblings, best first. */
const encodings = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const;

const pageHeaders: readonly Header[] = ['Cache-Control', 'Referrer-Policy', 'Cross-Origin-Opener-Policy'].map(
  (name) => ({ name, description: 'For the browser.' }),
);
const assetHeaders: readonly Header[] = ['Cache-Control', 'Content-Encoding', 'Referrer-Policy'].map((name) => ({
  name,
  description: 'For the browser.',
}));

/** `directory` is what vite built: index.html and assets/. */
export const pageRoutes = (directory: string = builtPage): readonly Route[] => [
  {
    method: 'GET',
    path: '/',
    name: 'studioPage',
    summary: 'The studio: see, query and rewind the databases in a browser',
    tag: 'studio',
    access: 'open',
    query: [],
    replies: {
      200: {
        description: 'The page. Where it is not built, one that says so.',
        contentType: 'text/html',
        schema: text,
        headers: pageHeaders,
      },
    },
    errors: [],
    handle: (_context, services) => page(directory, services),
  },
  {
    method: 'GET',
    path: '/assets/{key}',
    name: 'studioAsset',
    summary: 'A script, style or picture of the studio',
    tag: 'studio',
    access: 'open',
    query: [],
    replies: { 200: { description: 'The file.', contentType: '*/*', schema: text, headers: assetHeaders } },
    errors: ['NOT_FOUND'],
    handle: (context) => asset(directory, context),
  },
];

async function page(directory: string, services: Services): Promise<Reply> {
  const html = await fileOrNull(join(directory, 'index.html'));
  const nonce = randomBytes(16).toString('base64');
  return {
    status: 200,
    contentType: 'text/html; charset=utf-8',
    headers: {
      'Content-Security-Policy': html === null ? landingPolicy : policyWith(nonce),
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
    },
    body: html === null ? landingPage(services.options) : html.toString().replaceAll(noncePlaceholder, nonce),
  };
}

const landingPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** CodeMirror and uPlot add style elements, to which the page gives the nonce. */
function policyWith(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

async function asset(directory: string, { key, headers }: RequestContext): Promise<Reply> {
  const type = types[extname(key)];
  // One name without a directory: nothing else can be meant.
  if (type === undefined || !/^[\w-][\w.-]*$/.test(key)) throw notFound();
  const accepted = acceptedEncodings(String(headers['accept-encoding'] ?? ''));
  for (const { name, suffix } of encodings) {
    const packed = accepted.has(name) ? await fileOrNull(join(directory, 'assets', key + suffix)) : null;
    if (packed !== null) return assetReply(packed, type, { 'Content-Encoding': name });
  }
  const plain = await fileOrNull(join(directory, 'assets', key));
  if (plain === null) throw notFound();
  return assetReply(plain, type, {});
}

function assetReply(body: Buffer, contentType: string, headers: Readonly<Record<string, string>>): Reply {
  return {
    status: 200,
    contentType,
    body,
    headers: { 'Cache-Control': assetCache, 'Referrer-Policy': 'no-referrer', Vary: 'Accept-Encoding', ...headers },
  };
}

/** Names of an Accept-Encoding header but for those that it refuses. */
function acceptedEncodings(header: string): ReadonlySet<string> {
  const names = header.split(',').flatMap((entry) => {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    return parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) ? [] : [name];
  });
  return new Set(names);
}

async function fileOrNull(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENAMETOOLONG') return null;
    throw error;
  }
}

function notFound(): ApiError {
  return new ApiError('NOT_FOUND', 'the studio has no such file');
}
