// Why a question about the past has no answer.
import type { ArchiveErrorCode } from '../messages.ts';

export class PastError extends Error {
  readonly code: ArchiveErrorCode;

  constructor(code: ArchiveErrorCode, message: string) {
    super(message);
    this.name = 'PastError';
    this.code = code;
  }
}
