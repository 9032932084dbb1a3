// Uploads a large file in parts. What a killed process has left is gone on with, where its parts are those of the file.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { ShipError } from '../ship-error.ts';
import { ifNew, isThereAlready } from './conditions.ts';
import type { S3Answer, S3Requests } from './requests.ts';
import { childrenOf, type Element, readXml, textOf, xmlText } from './xml.ts';

/** Larger files go in parts of that size: one is in memory at a time. Services take 5 MiB to 5 GiB. */
export const partBytes = 8 * 1024 * 1024;
/** The most that services take. */
const mostParts = 10_000;

export interface Upload {
  readonly key: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly onlyIfNew: boolean;
}

interface Part {
  readonly number: number;
  readonly etag: string;
}

/** @returns the answer of the last request: of success, or 412 where `onlyIfNew` has kept it out */
export async function uploadInParts(requests: S3Requests, upload: Upload, smallestPart = partBytes): Promise<S3Answer> {
  const file = await open(upload.path, 'r');
  try {
    const { size } = await file.stat();
    const parts = cutInto(size, Math.max(smallestPart, Math.ceil(size / mostParts)));
    const begun = (await leftUpload(requests, upload.key, file, parts)) ?? (await begin(requests, upload));
    return await finish(requests, upload, file, parts, begun);
  } finally {
    await file.close();
  }
}

interface Cut {
  readonly number: number;
  readonly offset: number;
  readonly bytes: number;
}

function cutInto(size: number, bytes: number): readonly Cut[] {
  return Array.from({ length: Math.max(1, Math.ceil(size / bytes)) }, (_, index) => ({
    number: index + 1,
    offset: index * bytes,
    bytes: Math.min(bytes, size - index * bytes),
  }));
}

interface Begun {
  readonly uploadId: string;
  readonly done: ReadonlyMap<number, Part>;
}

async function begin(requests: S3Requests, { key, headers }: Upload): Promise<Begun> {
  const answer = await requests.send({ method: 'POST', key, query: { uploads: '' }, headers });
  const uploadId = textOf(readXml(answer.body.toString('utf8')), 'UploadId');
  if (!uploadId)
    throw new ShipError('unsupported', `${requests.location.shown}: the service begins no upload in parts`);
  return { uploadId, done: new Map() };
}

async function finish(
  requests: S3Requests,
  { key, onlyIfNew }: Upload,
  file: FileHandle,
  cuts: readonly Cut[],
  { uploadId, done }: Begun,
): Promise<S3Answer> {
  try {
    const parts: Part[] = [];
    for (const cut of cuts) {
      parts.push(done.get(cut.number) ?? (await sendPart(requests, key, uploadId, cut, await contentOf(file, cut))));
    }
    const headers = onlyIfNew ? ifNew : {};
    const answer = await requests.send({ method: 'POST', key, query: { uploadId }, headers, body: completion(parts) }, [
      isThereAlready,
      404,
    ]);
    // An earlier attempt was obeyed, and the upload is no more; or somebody has removed it.
    if (answer.status === 404 && answer.attempts === 1) {
      throw new ShipError('away', `${requests.location.shown}: the upload of ${key} was ended by somebody else`);
    }
    if (answer.status === isThereAlready) await abort(requests, key, uploadId);
    return answer;
  } catch (error) {
    // Where nobody answers the parts stay: the next attempt goes on with them.
    if (!(error instanceof ShipError && error.code === 'away')) await abort(requests, key, uploadId);
    throw error;
  }
}

async function sendPart(
  requests: S3Requests,
  key: string,
  uploadId: string,
  { number }: Cut,
  body: Buffer,
): Promise<Part> {
  const query = { partNumber: String(number), uploadId };
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
  const answer = await requests.send({ method: 'PUT', key, query, headers, body });
  const etag = answer.headers.get('etag');
  if (etag === null)
    throw new ShipError('unsupported', `${requests.location.shown}: a part was answered without an ETag`);
  return { number, etag };
}

async function contentOf(file: FileHandle, { offset, bytes }: Cut): Promise<Buffer> {
  const content = Buffer.alloc(bytes);
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await file.read(content, done, bytes - done, offset + done);
    if (bytesRead === 0) throw new ShipError('damaged', 'A file that is being uploaded has become shorter');
    done += bytesRead;
  }
  return content;
}

function completion(parts: readonly Part[]): Buffer {
  const rows = parts.map(
    ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${xmlText(etag)}</ETag></Part>`,
  );
  return Buffer.from(`<CompleteMultipartUpload>${rows.join('')}</CompleteMultipartUpload>`);
}

/** Best effort: a rule of the bucket (AbortIncompleteMultipartUpload) does the rest. */
async function abort(requests: S3Requests, key: string, uploadId: string): Promise<void> {
  await requests.send({ method: 'DELETE', key, query: { uploadId } }, [404]).catch(() => undefined);
}

/**
 * The newest upload of that key that was begun and not ended. Its metadata were sent at its beginning and cannot be
 * seen, so it is only taken if it has parts and all of them are parts of this file; any other one is ended.
 */
async function leftUpload(
  requests: S3Requests,
  key: string,
  file: FileHandle,
  cuts: readonly Cut[],
): Promise<Begun | undefined> {
  for (const uploadId of await uploadsOf(requests, key)) {
    const found = await partsOf(requests, key, uploadId);
    const done = new Map<number, Part>();
    for (const { number, etag, bytes } of found) {
      const cut = cuts[number - 1];
      if (cut?.bytes !== bytes) break;
      const hash = createHash('md5')
        .update(await contentOf(file, cut))
        .digest('hex');
      if (etag.replaceAll('"', '') !== hash) break;
      done.set(number, { number, etag });
    }
    if (done.size > 0 && done.size === found.length) return { uploadId, done };
    await abort(requests, key, uploadId);
  }
  return undefined;
}

/** None where the service does not list them, or does not allow it: the upload then begins anew. */
async function uploadsOf(requests: S3Requests, key: string): Promise<readonly string[]> {
  const root = await listed(requests, '', { uploads: '', prefix: key });
  return (root === undefined ? [] : childrenOf(root, 'Upload'))
    .filter((upload) => textOf(upload, 'Key') === key)
    .sort((a, b) => Date.parse(textOf(b, 'Initiated') ?? '') - Date.parse(textOf(a, 'Initiated') ?? ''))
    .map((upload) => textOf(upload, 'UploadId') ?? '');
}

interface SentPart extends Part {
  readonly bytes: number;
}

async function partsOf(requests: S3Requests, key: string, uploadId: string): Promise<readonly SentPart[]> {
  const parts: SentPart[] = [];
  for (let after = '0'; ; ) {
    const root = await listed(requests, key, { uploadId, 'part-number-marker': after });
    if (root === undefined) return [];
    for (const part of childrenOf(root, 'Part')) {
      const [number, bytes] = [Number(textOf(part, 'PartNumber')), Number(textOf(part, 'Size'))];
      parts.push({ number, bytes, etag: textOf(part, 'ETag') ?? '' });
    }
    const next = textOf(root, 'NextPartNumberMarker');
    if (textOf(root, 'IsTruncated') !== 'true' || next === undefined || next === after) return parts;
    after = next;
  }
}

async function listed(
  requests: S3Requests,
  key: string,
  query: Readonly<Record<string, string>>,
): Promise<Element | undefined> {
  try {
    return readXml((await requests.send({ method: 'GET', key, query })).body.toString('utf8'));
  } catch (error) {
    if (error instanceof ShipError && error.code === 'away') throw error;
    return undefined;
  }
}
