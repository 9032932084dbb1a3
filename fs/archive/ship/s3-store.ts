// A bucket of an S3 service as a store. Names, times and limits are those of S3; the requests are in s3/.
//
// Objects lie where litestream keeps them: PREFIX/NAME, the time of the newest commit in the metadata
// `litestream-timestamp` (s3/replica_client.go of litestream 0.5).
import { createHash, randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { honoursIfNew, ifNew, isThereAlready, writeIdHeader } from './s3/conditions.ts';
import { findCredentials } from './s3/credentials.ts';
import { keyOf } from './s3/keys.ts';
import { type Environment, isOpenToListeners, type S3Location, s3Location } from './s3/location.ts';
import { partBytes, uploadInParts } from './s3/multipart.ts';
import { defaultPatience, type Patience, type S3Answer, S3Requests } from './s3/requests.ts';
import { childrenOf, type Element, readXml, textOf, XmlError } from './s3/xml.ts';
import { ShipError } from './ship-error.ts';
import type { ShipStore, StoredObject, WriteOptions } from './store.ts';

const timeHeader = 'x-amz-meta-litestream-timestamp';
/** Requests to remove objects that are under way at a time. */
const removing = 8;

export interface S3Settings {
  readonly patience?: Patience;
  /** Larger contents go in parts of that size. */
  readonly partBytes?: number;
}

export class S3Store implements ShipStore {
  readonly url: string;
  readonly #environment: Environment;
  readonly #location: S3Location;
  readonly #requests: S3Requests;
  readonly #partBytes: number;
  #honoursIfNew: Promise<boolean> | undefined;
  #etagIsHash = true;

  /**
   * Asks nothing yet.
   * @param url `s3://bucket/prefix?endpoint=...&region=...&force-path-style=true`
   * @param environment where credentials, and what the URL leaves out, come from: AWS_...
   * @throws ShipError `bad-url`
   */
  constructor(url: string, environment: Environment, settings: S3Settings = {}) {
    this.#location = s3Location(url, environment);
    this.url = this.#location.shown;
    this.#environment = environment;
    this.#requests = new S3Requests(this.#location, environment, settings.patience ?? defaultPatience);
    this.#partBytes = settings.partBytes ?? partBytes;
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const query = { 'list-type': '2', prefix: `${this.#location.prefix}${prefix}` };
    for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
      const page = await this.#page(token === undefined ? query : { ...query, 'continuation-token': token });
      for (const object of childrenOf(page, 'Contents')) yield this.#listed(object);
      token = textOf(page, 'IsTruncated') === 'true' ? textOf(page, 'NextContinuationToken') : undefined;
    }
  }

  async read(name: string, range?: { readonly offset: number; readonly bytes: number }): Promise<Buffer> {
    if (range?.bytes === 0) return Buffer.alloc(0);
    const headers = range && { range: `bytes=${range.offset}-${range.offset + range.bytes - 1}` };
    const key = keyOf(this.#location.prefix, name);
    const { status, body } = await this.#requests.send({ method: 'GET', key, ...(headers ? { headers } : {}) });
    if (range === undefined) return body;
    // A service may leave ranges out of account.
    const part = status === 206 ? body : body.subarray(range.offset, range.offset + range.bytes);
    if (part.length === range.bytes) return part;
    throw new ShipError('damaged', `${this.url}/${name} has no ${range.bytes} bytes at ${range.offset}`);
  }

  async write(name: string, content: Buffer | { readonly path: string }, options: WriteOptions = {}): Promise<boolean> {
    const key = keyOf(this.#location.prefix, name);
    const writeId = randomUUID();
    const headers = { [timeHeader]: new Date(options.timeMs ?? Date.now()).toISOString(), [writeIdHeader]: writeId };
    const isConditional = options.onlyIfNew === true && (await this.honoursOnlyIfNew());
    // The best that is left where the service does not keep to the condition.
    if (options.onlyIfNew === true && !isConditional && (await this.#head(key)) !== undefined) return false;
    const answer = await this.#send(key, content, headers, isConditional);
    if (answer.status !== isThereAlready && answer.status !== 404) return true;
    // An attempt whose answer was lost may have been obeyed: then the object is ours.
    const isOurs = answer.attempts > 1 && (await this.#head(key))?.headers.get(writeIdHeader) === writeId;
    if (isOurs || answer.status === isThereAlready) return isOurs;
    throw new ShipError('away', `${this.url}/${name}: the upload was ended before all of it was there`);
  }

  async remove(names: readonly string[]): Promise<void> {
    // One request each: it is free of charge, its answer is about one object, and every service has it.
    const keys = names.map((name) => keyOf(this.#location.prefix, name));
    for (let next = 0; next < keys.length; next += removing) {
      const some = keys.slice(next, next + removing);
      await Promise.all(some.map((key) => this.#requests.send({ method: 'DELETE', key }, [404])));
    }
  }

  /** False: the service ignores the condition, and two writers at the same moment are not kept apart. */
  honoursOnlyIfNew(): Promise<boolean> {
    this.#honoursIfNew ??= honoursIfNew(this.#requests, this.#location.prefix).catch((error: unknown) => {
      this.#honoursIfNew = undefined;
      throw error;
    });
    return this.#honoursIfNew;
  }

  async warnings(): Promise<readonly string[]> {
    const { warning } = await findCredentials(this.#environment);
    const isFenced = await this.honoursOnlyIfNew();
    return [
      ...(warning === undefined ? [] : [warning]),
      ...(isOpenToListeners(this.#location)
        ? [`Everybody between this machine and ${this.#location.endpoint} can read what is shipped: use https://`]
        : []),
      ...(isFenced
        ? []
        : [
            `${this.url}: this service ignores If-None-Match. Two daemons that ship to the same place may overwrite ` +
              'what the other one has shipped: give each one a prefix of its own',
          ]),
    ];
  }

  async #send(
    key: string,
    content: Buffer | { readonly path: string },
    headers: Readonly<Record<string, string>>,
    onlyIfNew: boolean,
  ): Promise<S3Answer> {
    if (!Buffer.isBuffer(content)) {
      const { size } = await stat(content.path);
      if (size > this.#partBytes) {
        const upload = { key, path: content.path, headers, onlyIfNew };
        return uploadInParts(this.#requests, upload, this.#partBytes);
      }
    }
    const body = Buffer.isBuffer(content) ? content : await readFile(content.path);
    const md5 = createHash('md5').update(body).digest('base64');
    const all = { ...headers, 'content-md5': md5, ...(onlyIfNew ? ifNew : {}) };
    const answer = await this.#requests.send(
      { method: 'PUT', key, body, headers: all },
      onlyIfNew ? [isThereAlready] : [],
    );
    if (answer.status !== isThereAlready) await this.#verify(key, body, answer);
    return answer;
  }

  /** An ETag is the MD5 of the content, unless the service says or shows that it is something else. */
  async #verify(key: string, body: Buffer, { headers }: S3Answer): Promise<void> {
    const etag = /^"?([0-9a-f]{32})"?$/.exec(headers.get('etag') ?? '')?.[1];
    const isEncrypted = [...headers.keys()].some((name) => name.startsWith('x-amz-server-side-encryption'));
    if (etag === undefined || isEncrypted || !this.#etagIsHash) return;
    if (etag === createHash('md5').update(body).digest('hex')) return;
    const { body: kept } = await this.#requests.send({ method: 'GET', key });
    if (!kept.equals(body))
      throw new ShipError('damaged', `${this.url}: the service keeps ${key} otherwise than it was sent`);
    this.#etagIsHash = false;
  }

  async #head(key: string): Promise<S3Answer | undefined> {
    const answer = await this.#requests.send({ method: 'HEAD', key }, [404]);
    return answer.status === 404 ? undefined : answer;
  }

  async #page(query: Readonly<Record<string, string>>): Promise<Element> {
    const { body } = await this.#requests.send({ method: 'GET', key: '', query });
    try {
      const root = readXml(body.toString('utf8'));
      if (root.name === 'ListBucketResult') return root;
      throw new XmlError(`<${root.name}>`);
    } catch (cause) {
      if (!(cause instanceof XmlError)) throw cause;
      throw new ShipError('bad-url', `${this.url}: what answers at the endpoint is no S3 service (${cause.message})`, {
        cause,
      });
    }
  }

  #listed(object: Element): StoredObject {
    const [key, bytes] = [textOf(object, 'Key'), Number(textOf(object, 'Size'))];
    const timeMs = Date.parse(textOf(object, 'LastModified') ?? '');
    if (
      key === undefined ||
      !key.startsWith(this.#location.prefix) ||
      !Number.isSafeInteger(bytes) ||
      Number.isNaN(timeMs)
    ) {
      throw new ShipError('damaged', `${this.url}: the service lists an object without name, size or time`);
    }
    return { name: key.slice(this.#location.prefix.length), bytes, timeMs };
  }
}
