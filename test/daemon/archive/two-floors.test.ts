// The server asks about the past in its own words, and the archive process answers in those of fs/: neither may import
// the other. The daemon hands both on as they are. What holds them together is the type check of this file.
import { expectTypeOf, test } from 'vitest';
import type * as fs from '../../../fs/archive/messages.ts';
import type * as server from '../../../server/messages/time-machine.ts';

/** What fs/ says of the questions that the server has. */
type Understood = Extract<fs.ArchiveQuestion, { readonly op: server.ArchiveQuestion['op'] }>;

test('the archive process understands every question of the server', () => {
  expectTypeOf<Understood>().toEqualTypeOf<server.ArchiveQuestion>();
});

test('the server understands every answer', () => {
  expectTypeOf<fs.ArchiveAnswer<null>>().toExtend<server.ArchiveAnswer<null>>();
  expectTypeOf<fs.ArchiveErrorCode>().toExtend<server.ArchiveErrorCode>();
  expectTypeOf<fs.ArchiveStatus>().toExtend<server.ArchiveStatus>();
  expectTypeOf<fs.ChangedTablesAnswer>().toExtend<server.ChangedTablesAnswer>();
  expectTypeOf<fs.HistoryAnswer>().toExtend<server.HistoryAnswer>();
  expectTypeOf<fs.LastRewind>().toExtend<server.LastRewind>();
  expectTypeOf<fs.MaterialiseAnswer>().toExtend<server.MaterialiseAnswer>();
  expectTypeOf<fs.Moment>().toExtend<server.Moment>();
  expectTypeOf<fs.PatchAnswer>().toExtend<server.PatchAnswer>();
  expectTypeOf<fs.VerifyAnswer>().toExtend<server.VerifyAnswer>();
});
