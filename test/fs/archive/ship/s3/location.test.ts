import { describe, expect, test } from 'vitest';
import { bucketUrl, isOpenToListeners, s3Location } from '../../../../../fs/archive/ship/s3/location.ts';
import { ShipError } from '../../../../../fs/archive/ship/ship-error.ts';

const addressOf = (url: string, environment = {}) => {
  const location = s3Location(url, environment);
  return `${bucketUrl(location, location.region)}/${location.prefix}`;
};

describe('where a bucket is', () => {
  const cases: readonly (readonly [string, Record<string, string>, string])[] = [
    ['s3://backup', {}, 'https://backup.s3.us-east-1.amazonaws.com/'],
    ['s3://backup/a/b/', { AWS_REGION: 'eu-central-1' }, 'https://backup.s3.eu-central-1.amazonaws.com/a/b/'],
    ['s3://backup?region=eu-west-3', { AWS_REGION: 'eu-west-1' }, 'https://backup.s3.eu-west-3.amazonaws.com/'],
    ['s3://backup?region=cn-north-1', {}, 'https://backup.s3.cn-north-1.amazonaws.com.cn/'],
    ['s3://with.dots/x', {}, 'https://s3.us-east-1.amazonaws.com/with.dots/x/'],
    ['s3://backup?force-path-style=true', {}, 'https://s3.us-east-1.amazonaws.com/backup/'],
    ['s3://backup?endpoint=http://127.0.0.1:9000', {}, 'http://127.0.0.1:9000/backup/'],
    ['s3://backup/x', { AWS_ENDPOINT_URL_S3: 'https://minio.example/' }, 'https://minio.example/backup/x/'],
    ['s3://backup/x', { AWS_ENDPOINT_URL: 'https://all.example/s3/' }, 'https://all.example/s3/backup/x/'],
    ['s3://backup?endpoint=https://r2.example&force-path-style=false', {}, 'https://backup.r2.example/'],
    ['s3://backup/a%20b/%23', {}, 'https://backup.s3.us-east-1.amazonaws.com/a b/#/'],
  ];
  test.each(cases)('%s %j', (url, environment, address) => {
    expect(addressOf(url, environment)).toBe(address);
  });

  test('is shown without options', () => {
    expect(s3Location('s3://b-1/x?endpoint=http://127.0.0.1:9000&region=r', {}).shown).toBe('s3://b-1/x');
  });
});

describe('a URL that is refused says what to do', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['s3://AKIDSECRET:hushhush@backup/x', /may not hold a key or a password.*AWS_SECRET_ACCESS_KEY/],
    ['s3://hushhush@backup/x', /may not hold a key or a password/],
    ['s3://backup?secret-access-key=hushhush', /may not hold a secret: take secret-access-key out/],
    ['s3://backup?X-Amz-Signature=hushhush', /may not hold a secret/],
    ['s3://backup?hushhush/1234567890123456789012345', /has an option that is not known/],
    ['s3://backup?forcePathStyle=true', /option forcePathStyle that is not known: there are endpoint, region, force/],
    ['s3://backup?endpoint=https://me:hushhush@host', /endpoint of an S3 store may not hold a password/],
    ['s3://backup?endpoint=127.0.0.1:9000', /endpoint of the S3 store is no URL/],
    ['s3://backup?endpoint=ftp://host', /endpoint of the S3 store is no URL/],
    ['s3://backup?force-path-style=yes', /is true or false/],
    ['s3://127.0.0.1:9000/backup', /begins with the bucket, not with a host/],
    ['s3:///backup', /names no bucket/],
    ['s3://backup/a#b', /has a #: write it as %23/],
    ['s3://backup/%zz', /write it as %25/],
  ];
  test.each(cases)('%s', (url, message) => {
    const open = () => s3Location(url, {});
    expect(open).toThrow(ShipError);
    expect(open).toThrow(message);
    expect(open).not.toThrow(/hushhush/);
  });
});

test('plain http is open to listeners, except on this machine', () => {
  const isOpen = (endpoint: string) => isOpenToListeners(s3Location(`s3://backup?endpoint=${endpoint}`, {}));
  const open = ['http://10.0.0.5:9000', 'http://minio.internal', 'http://127.example', 'http://localhost.example'];
  const closed = ['http://127.0.0.1:9000', 'http://localhost:9000', 'http://[::1]:9000', 'https://minio.internal'];
  expect(open.filter((endpoint) => !isOpen(endpoint))).toEqual([]);
  expect(closed.filter(isOpen)).toEqual([]);
  expect(isOpenToListeners(s3Location('s3://backup', {}))).toBe(false);
});
