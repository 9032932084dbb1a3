// What an S3 service means by an error, as one line that says what to do. Pure.
// Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
import { ShipError, type ShipErrorCode } from '../ship-error.ts';
import type { S3Location } from './location.ts';
import { childrenOf, type Element, readXml, textOf } from './xml.ts';

/** An answer that is no success. */
export interface Refusal {
  readonly method: string;
  /** '' stands for the bucket. */
  readonly key: string;
  readonly status: number;
  /** Of the service; '' where its answer has none (to HEAD), or is no XML. */
  readonly code: string;
  readonly message: string;
  /** Where the bucket is, if the service says so. */
  readonly region: string | undefined;
  /** The service's clock less ours, if it says what time it has. */
  readonly clockAheadMs: number | undefined;
}

export function refusalOf(
  request: { readonly method: string; readonly key: string },
  answer: { readonly status: number; readonly headers: Headers; readonly body: Buffer },
  nowMs: number,
): Refusal {
  const error = errorIn(answer.body);
  const date = Date.parse(answer.headers.get('date') ?? '');
  return {
    method: request.method,
    key: request.key,
    status: answer.status,
    code: (error && textOf(error, 'Code')) ?? '',
    message: (error && textOf(error, 'Message')) ?? '',
    region: answer.headers.get('x-amz-bucket-region') ?? (error && textOf(error, 'Region')),
    clockAheadMs: Number.isNaN(date) ? undefined : date - nowMs,
  };
}

/** Some answers of status 200 are errors: the service had begun to answer before it knew. */
export function isErrorBody(body: Buffer): boolean {
  return errorIn(body) !== undefined;
}

const passing = new Set([
  ...['SlowDown', 'RequestTimeout', 'InternalError', 'ServiceUnavailable', 'RequestLimitExceeded', 'Throttling'],
  ...['ThrottlingException', 'OperationAborted', 'ConditionalRequestConflict', 'RequestThrottled', 'Busy'],
  // What has come is not what was sent.
  ...['BadDigest', 'IncompleteBody', 'XAmzContentSHA256Mismatch'],
]);

/** The same request may succeed in a moment. */
export function isPassing({ status, code }: Refusal): boolean {
  return passing.has(code) || [408, 429, 500, 502, 503, 504].includes(status);
}

const stale = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'InvalidAccessKeyId',
  'TokenRefreshRequired',
]);

/** Credentials that somebody may have replaced meanwhile. HEAD has no code: an expired token is then a bare 400. */
export function isStale({ status, code, method }: Refusal): boolean {
  return stale.has(code) || (code === '' && (status === 401 || (method === 'HEAD' && status === 400)));
}

/** The region that the bucket is in, where the request went to another one. */
export function otherRegion({ status, code, region }: Refusal): string | undefined {
  const isElsewhere = status === 301 || status === 307 || code === 'AuthorizationHeaderMalformed';
  return isElsewhere ? region : undefined;
}

interface Explanation {
  readonly code: ShipErrorCode;
  readonly text: (refusal: Refusal, location: S3Location) => string;
}

const denied = (text: string): Explanation => ({ code: 'denied', text: () => text });
const wrongRegion: Explanation = {
  code: 'bad-url',
  text: ({ region }, { bucket, region: used }) =>
    region === undefined || region === used
      ? `bucket ${bucket} is not served at this address: check region= and endpoint= of the URL`
      : `bucket ${bucket} is in the region ${region}, not in ${used}: write region=${region} in the URL`,
};
const full: Explanation = {
  code: 'full',
  text: () => 'there is no room left in the store: make room there, or raise its quota',
};

const byCode: Readonly<Record<string, Explanation>> = {
  NoSuchKey: { code: 'missing', text: ({ key }) => `there is no object ${key}` },
  NoSuchBucket: {
    code: 'bad-url',
    text: (_, { bucket }) => `there is no bucket ${bucket} there: make it, or correct the URL`,
  },
  AccessDenied: {
    code: 'denied',
    text: ({ method, key }, { bucket }) =>
      `the credentials do not allow ${rightFor(method, key)} on ${bucket}: give them that right (docs/shipping.md lists all)`,
  },
  InvalidAccessKeyId: denied(
    'the service does not know the access key: check AWS_ACCESS_KEY_ID, or the credentials file',
  ),
  SignatureDoesNotMatch: denied(
    'the secret key does not fit the access key: check AWS_SECRET_ACCESS_KEY, or the credentials file',
  ),
  ExpiredToken: denied('the session token has expired: provide new credentials'),
  InvalidToken: denied('the session token is not valid: provide new credentials, or leave AWS_SESSION_TOKEN out'),
  AccountProblem: denied('the service has a problem with this account: ask its operator'),
  AllAccessDisabled: denied('the service has closed this bucket: ask its operator'),
  InvalidBucketName: {
    code: 'bad-url',
    text: (_, { bucket }) => `${bucket} is no name that a bucket can have: correct the URL`,
  },
  RequestTimeTooSkewed: { code: 'denied', text: clockText },
  PermanentRedirect: wrongRegion,
  TemporaryRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  InvalidRange: { code: 'damaged', text: ({ key }) => `${key} is shorter than it should be` },
  EntityTooLarge: { code: 'unsupported', text: ({ key }) => `${key} is larger than the service takes` },
  KeyTooLongError: { code: 'unsupported', text: ({ key }) => `the name ${key} is longer than the service takes` },
  NotImplemented: {
    code: 'unsupported',
    text: ({ method, key }) => `the service does not offer ${rightFor(method, key)}`,
  },
  QuotaExceeded: full,
  XMinioStorageFull: full,
  InsufficientStorage: full,
};

const byStatus: Readonly<Record<number, string>> = {
  301: 'PermanentRedirect',
  307: 'TemporaryRedirect',
  401: 'AccessDenied',
  403: 'AccessDenied',
  404: 'NoSuchKey',
  416: 'InvalidRange',
  501: 'NotImplemented',
  507: 'InsufficientStorage',
};

export function explained(refusal: Refusal, location: S3Location, secrets: readonly string[]): ShipError {
  const { status, code, message, key } = refusal;
  const known = byCode[code] ?? (code === '' ? byCode[byStatus[status] ?? ''] : undefined);
  const itsWords = oneLine([String(status), code, message].filter(Boolean).join(' '), secrets);
  if (known === undefined || (known.code === 'missing' && key === '')) {
    const kind = isPassing(refusal) ? 'away' : 'unsupported';
    const advice = code === '' && kind === 'unsupported' ? '. Is there an S3 service at the endpoint of the URL?' : '';
    return new ShipError(kind, `${location.shown}: the service answers ${itsWords}${advice}`);
  }
  return new ShipError(known.code, `${location.shown}: ${known.text(refusal, location)} (${itsWords})`);
}

/** The name that Amazon's policies have for it. */
function rightFor(method: string, key: string): string {
  if (key === '') return 's3:ListBucket';
  return { PUT: 's3:PutObject', POST: 's3:PutObject', DELETE: 's3:DeleteObject' }[method] ?? 's3:GetObject';
}

function clockText({ clockAheadMs }: Refusal): string {
  const minutes = Math.round(Math.abs(clockAheadMs ?? 0) / 60_000);
  const off =
    clockAheadMs === undefined || minutes === 0
      ? 'is not right'
      : `is ${minutes} min ${clockAheadMs > 0 ? 'behind' : 'ahead of'} that of the service`;
  return `the clock of this machine ${off}: set it, for example with timedatectl set-ntp true`;
}

function errorIn(body: Buffer): Element | undefined {
  if (!body.subarray(0, 512).includes('<Error')) return undefined;
  try {
    const root = readXml(body.toString('utf8'));
    return root.name === 'Error' ? root : childrenOf(root, 'Error')[0];
  } catch {
    return undefined;
  }
}

function oneLine(text: string, secrets: readonly string[]): string {
  const hidden = secrets.filter(Boolean).reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  const line = hidden.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}
