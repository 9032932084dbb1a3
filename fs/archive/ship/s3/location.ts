// Where a bucket is: what the URL of a store and the environment say. Nothing is asked over the network.
//
// s3://BUCKET/PREFIX?endpoint=URL&region=NAME&force-path-style=true|false
import { ShipError } from '../ship-error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface S3Location {
  readonly bucket: string;
  /** '' or `a/b/`: what the key of each object begins with. */
  readonly prefix: string;
  /** Of a service that is not Amazon's: `https://host[:port][/path]`, without a slash at its end. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** The operator has named the region; otherwise the one that the service names is taken. */
  readonly isRegionGiven: boolean;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  readonly isPathStyle: boolean;
  /** For messages: `s3://bucket/prefix`. */
  readonly shown: string;
}

const options = ['endpoint', 'region', 'force-path-style'] as const;
const example = 's3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION';
const whereKeysGo =
  'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or write them to ~/.aws/credentials';

/** @throws ShipError `bad-url`; its message never holds the URL where that may hold a secret */
export function s3Location(url: string, environment: Environment): S3Location {
  if (!URL.canParse(url)) throw new ShipError('bad-url', `The URL of the S3 store cannot be read: use ${example}`);
  const parsed = new URL(url);
  refuseSecrets(parsed);
  const bucket = bucketOf(parsed);
  const prefix = prefixOf(parsed);
  const endpoint = endpointOf(parsed, environment);
  const region = parsed.searchParams.get('region') ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  return {
    bucket,
    prefix: prefix === '' ? '' : `${prefix}/`,
    endpoint,
    region: region || 'us-east-1',
    isRegionGiven: Boolean(region),
    isPathStyle: isPathStyle(parsed, bucket, endpoint),
    shown: prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`,
  };
}

/** Of the bucket, without a slash at its end. */
export function bucketUrl({ bucket, endpoint, isPathStyle }: S3Location, region: string): string {
  const service = endpoint ?? `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  if (isPathStyle) return `${service}/${bucket}`;
  const url = new URL(service);
  return `${url.protocol}//${bucket}.${url.host}${url.pathname.replace(/\/$/, '')}`;
}

/** Bodies are readable, and changeable, by everybody on the way. */
export function isOpenToListeners({ endpoint }: S3Location): boolean {
  if (endpoint === undefined) return false;
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function refuseSecrets(url: URL): void {
  if (url.username !== '' || url.password !== '') {
    throw new ShipError(
      'bad-url',
      `The URL of an S3 store may not hold a key or a password, since everybody on this machine can read it: ` +
        `take them out, and ${whereKeysGo}`,
    );
  }
  for (const name of url.searchParams.keys()) {
    if ((options as readonly string[]).includes(name)) continue;
    const isSecret = /key|secret|token|password|signature|credential/i.test(name);
    // Whatever has an odd name may be a secret without its name.
    const shown = /^[a-zA-Z-]{1,24}$/.test(name) ? ` ${name}` : '';
    throw new ShipError(
      'bad-url',
      isSecret
        ? `The URL of an S3 store may not hold a secret: take${shown} out, and ${whereKeysGo}`
        : `The URL of an S3 store has an option${shown} that is not known: there are ${options.join(', ')}`,
    );
  }
}

function bucketOf(url: URL): string {
  if (url.port !== '') {
    throw new ShipError('bad-url', `The URL of an S3 store begins with the bucket, not with a host: use ${example}`);
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(url.hostname)) {
    throw new ShipError('bad-url', `The URL of the S3 store names no bucket: use ${example}`);
  }
  return url.hostname;
}

function prefixOf(url: URL): string {
  if (url.hash !== '') throw new ShipError('bad-url', 'The URL of the S3 store has a #: write it as %23');
  try {
    return decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  } catch (cause) {
    throw new ShipError('bad-url', 'The URL of the S3 store has a % that begins no character: write it as %25', {
      cause,
    });
  }
}

function endpointOf(url: URL, environment: Environment): string | undefined {
  const given =
    url.searchParams.get('endpoint') ?? environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL ?? '';
  if (given === '') return undefined;
  const parsed = URL.canParse(given) ? new URL(given) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || parsed.hash !== '') {
    throw new ShipError('bad-url', 'The endpoint of the S3 store is no URL: use https://HOST or http://127.0.0.1:PORT');
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new ShipError(
      'bad-url',
      `The endpoint of an S3 store may not hold a password: take it out, and ${whereKeysGo}`,
    );
  }
  return parsed.href.replace(/\/+$/, '');
}

function isPathStyle(url: URL, bucket: string, endpoint: string | undefined): boolean {
  const given = url.searchParams.get('force-path-style');
  if (given !== null && given !== 'true' && given !== 'false') {
    throw new ShipError('bad-url', 'force-path-style of the S3 store is true or false');
  }
  // A certificate for *.HOST does not hold for a bucket with a dot.
  return given === null ? endpoint !== undefined || bucket.includes('.') : given === 'true';
}
