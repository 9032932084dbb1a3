// The file of --auth-token-file, looked at before anything is started.
import { inspectTokenFile } from '../../server/index.ts';
import type { Settings } from '../config/options.ts';
import { type CommandError, usageError } from '../errors.ts';

/** Tokens are not repeated. */
export async function faultOfTokens({ authTokenFile }: Settings): Promise<CommandError | undefined> {
  const fault = authTokenFile === undefined ? null : await inspectTokenFile(authTokenFile);
  if (fault === null) return undefined;
  return usageError(`--auth-token-file ${authTokenFile}: ${fault}`, 'it has lines "full TOKEN" or "read TOKEN"');
}
