// An S3 service on a loopback port: s3rver, behind a proxy that judges signatures, does what s3rver leaves out
// (conditions, lists of uploads), and fails on demand.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { type Account, signatureFault } from './s3-signature.ts';

const root = resolve(import.meta.dirname, '../..');
export const bucket = 'shipped';

export interface Seen {
  readonly method: string;
  /** Decoded, without the bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Fault =
  /** Nothing is passed on. */
  | {
      readonly answer: number;
      readonly code?: string;
      readonly region?: string;
      readonly headers?: Record<string, string>;
    }
  /** Nothing is answered. */
  | 'hang'
  /** The connection is cut before anything is passed on. */
  | 'reset'
  /** The request is obeyed, and the connection cut before, or within, the answer. */
  | 'reset-after'
  | 'reset-within'
  | 'hang-within'
  /** The request is obeyed; the answer has another ETag, or the object gets another content. */
  | 'other-etag'
  /** As from a service that does not know ranges. */
  | 'no-range'
  | 'other-content';

export interface FaultRule {
  readonly fault: Fault;
  readonly where?: (seen: Seen) => boolean;
  /** How many requests it befalls. */
  times: number;
}

export interface S3Service {
  readonly endpoint: string;
  readonly account: { -readonly [K in keyof Account]: Account[K] };
  readonly environment: Readonly<Record<string, string>>;
  /** s3://... of a prefix in it. */
  url(prefix: string, options?: string): string;
  readonly seen: Seen[];
  readonly faults: FaultRule[];
  /** As Amazon's; s3rver alone ignores `If-None-Match`. */
  honoursIfNew: boolean;
  /** False: nobody listens. */
  setUp(isUp: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** @param directory an empty one, for the objects */
export async function startS3Service(directory: string, account: Partial<Account> = {}): Promise<S3Service> {
  mkdirSync(join(directory, bucket), { recursive: true });
  const backend = await startBackend(directory);
  const service = new Front(directory, backend.port, {
    accessKeyId: 'AKIDTESTSHIP',
    secretAccessKey: 'secret/of+the=tests',
    region: 'us-east-1',
    ...account,
  });
  await service.setUp(true);
  return Object.assign(service, {
    stop: async () => {
      await service.setUp(false);
      backend.child.kill('SIGKILL');
      await once(backend.child, 'close');
    },
  });
}

/** Its continuation tokens need a cipher that OpenSSL 3 keeps in its legacy provider. */
async function startBackend(directory: string): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const program = `
    const S3rver = require('s3rver');
    new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory: process.argv[1] }).run()
      .then(({ port }) => console.log(port));`;
  const child = spawn(process.execPath, ['--openssl-legacy-provider', '-e', program, directory], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, port: Number(line.toString()) };
}

class Front {
  readonly account;
  readonly seen: Seen[] = [];
  readonly faults: FaultRule[] = [];
  honoursIfNew = true;
  readonly #directory: string;
  readonly #backendPort: number;
  #server: Server | undefined;
  #port = 0;

  constructor(directory: string, backendPort: number, account: Account) {
    this.#directory = directory;
    this.#backendPort = backendPort;
    this.account = { ...account };
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get environment(): Readonly<Record<string, string>> {
    const { accessKeyId, secretAccessKey, sessionToken } = this.account;
    return {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    };
  }

  url(prefix: string, options = ''): string {
    return `s3://${bucket}/${prefix}?endpoint=${this.endpoint}${options}`;
  }

  async setUp(isUp: boolean): Promise<void> {
    if (isUp === (this.#server !== undefined)) return;
    if (!isUp) {
      const closed = new Promise((done) => this.#server?.close(done));
      this.#server?.closeAllConnections();
      this.#server = undefined;
      await closed;
      return;
    }
    const server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const url = new URL(request.url ?? '', this.endpoint);
    const key = decodeURIComponent(url.pathname).slice(bucket.length + 2);
    const seen = { method: request.method ?? '', key, query: url.searchParams, headers: request.headers, body };
    this.seen.push(seen);
    const rule = this.faults.find(({ times, where }) => times > 0 && (where?.(seen) ?? true));
    if (rule !== undefined) rule.times--;
    const fault = rule?.fault;
    if (fault === 'hang') return;
    if (fault === 'reset') return void request.socket.resetAndDestroy();
    if (typeof fault === 'object') return this.#refuse(response, fault.answer, fault.code, fault);
    const wrong = signatureFault(request, body, this.account);
    if (wrong !== undefined) {
      return this.#refuse(response, wrong === 'AuthorizationHeaderMalformed' ? 400 : 403, wrong, this.account);
    }
    const md5 = request.headers['content-md5'];
    if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) {
      return this.#refuse(response, 400, 'BadDigest');
    }
    if (this.honoursIfNew && request.headers['if-none-match'] === '*' && this.#has(key)) {
      return this.#refuse(response, 412, 'PreconditionFailed');
    }
    if (this.#servesUploads(seen, response)) return;
    await this.#pass(request, fault === 'other-content' ? Buffer.from('something else') : body, response, fault);
  }

  async #pass(request: IncomingMessage, body: Buffer, response: ServerResponse, fault?: Fault): Promise<void> {
    // s3rver knows one access key, and the proxy has judged this one.
    const { authorization: _, ...rest } = request.headers;
    const headers: OutgoingHttpHeaders = { ...rest, 'content-length': String(body.length) };
    if (fault === 'no-range') delete headers.range;
    const { method, url: path } = request;
    const passed = httpRequest({ host: '127.0.0.1', port: this.#backendPort, method, path, headers });
    passed.end(body);
    const [answer] = (await once(passed, 'response')) as [IncomingMessage];
    const content = await bodyOf(answer);
    if (fault === 'reset-after') return void request.socket.resetAndDestroy();
    if (fault === 'other-etag') answer.headers.etag = `"${'0'.repeat(32)}"`;
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    if (fault !== 'reset-within' && fault !== 'hang-within') return void response.end(content);
    response.write(content.subarray(0, content.length / 2), () => {
      if (fault === 'reset-within') request.socket.resetAndDestroy();
    });
  }

  /** What s3rver has no answer to. */
  #servesUploads({ method, key, query }: Seen, response: ServerResponse): boolean {
    const folder = join(this.#directory, bucket, '._S3rver_uploads');
    const uploadId = query.get('uploadId');
    if (method === 'GET' && query.has('uploads')) {
      const rows = (existsSync(folder) ? readdirSync(folder) : []).map((id) => {
        const path = join(folder, id);
        const initiated = statSync(path).birthtime.toISOString();
        const name = readFileSync(join(path, 'key'), 'utf8');
        return `<Upload><Key>${name}</Key><UploadId>${id}</UploadId><Initiated>${initiated}</Initiated></Upload>`;
      });
      answerXml(response, 200, `<ListMultipartUploadsResult>${rows.join('')}</ListMultipartUploadsResult>`);
      return true;
    }
    if (uploadId === null) return false;
    const path = join(folder, uploadId);
    if (!existsSync(path)) {
      this.#refuse(response, 404, 'NoSuchUpload');
      return true;
    }
    if (method === 'DELETE') {
      rmSync(path, { recursive: true });
      response.writeHead(204).end();
      return true;
    }
    if (method !== 'GET') return false;
    const after = Number(query.get('part-number-marker'));
    const numbers = readdirSync(path)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    // One at a time, so that whoever reads the list must go on.
    const [number, ...others] = numbers.filter((one) => one > after).sort((a, b) => a - b);
    const row = number === undefined ? '' : partRow(path, number);
    const more = `<IsTruncated>${others.length > 0}</IsTruncated><NextPartNumberMarker>${number ?? 0}</NextPartNumberMarker>`;
    answerXml(response, 200, `<ListPartsResult><Key>${key}</Key>${more}${row}</ListPartsResult>`);
    return true;
  }

  #has(key: string): boolean {
    return existsSync(join(this.#directory, bucket, `${key}._S3rver_object`));
  }

  #refuse(
    response: ServerResponse,
    status: number,
    code = '',
    { region, headers }: { readonly region?: string; readonly headers?: Record<string, string> } = {},
  ): void {
    const where = region === undefined ? '' : `<Region>${region}</Region>`;
    const error = code === '' ? '' : `<Error><Code>${code}</Code><Message>Not so.</Message>${where}</Error>`;
    answerXml(response, status, error, headers);
  }
}

function partRow(path: string, number: number): string {
  const etag = readFileSync(join(path, `${number}.md5`), 'utf8');
  const { size } = statSync(join(path, String(number)));
  return `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size></Part>`;
}

function answerXml(response: ServerResponse, status: number, xml: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers });
  response.end(response.req.method === 'HEAD' || xml === '' ? '' : `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`);
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
