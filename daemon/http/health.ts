// One HTTP request to the daemon's own address, to see whether somebody answers there.
import { request } from 'node:http';
import { answerTimeoutMs } from '../children/liveness.ts';
import type { ListenAddress } from '../config/listen-address.ts';

/** Resolves with any answer: a refusal for want of a token is a sign of life too. */
export function askHealth(address: ListenAddress): Promise<void> {
  const target = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
  return new Promise((resolve, reject) => {
    const asked = request({ ...target, path: '/api/v1/sqlite/health', headers: { host: 'localhost' }, agent: false });
    asked.setTimeout(answerTimeoutMs, () => asked.destroy(new Error(`no HTTP answer within ${answerTimeoutMs} ms`)));
    asked.on('error', reject);
    asked.on('response', (response) => {
      response.resume();
      resolve();
    });
    asked.end();
  });
}
