// Bookmarks on answers to writes: headers, and members where the body is the answer to one SQL transaction.
import type { WriteBookmarks } from '../../messages/bookmark.ts';
import type { Reply } from '../../messages/reply.ts';
import type { Header, Route, StreamReply } from './route.ts';
import { optional, type Schema, text } from './schema.ts';

const bookmarkText = 'Of the state that this write has made, where commits are kept: for `at`, rewind, fork and diff.';
const previousText = 'Of the state before this write: rewind to it to undo this.';

export const commitHeaders: readonly Header[] = [
  { name: 'X-Hoody-Bookmark', description: bookmarkText },
  { name: 'X-Hoody-Previous-Bookmark', description: previousText },
];

export const commitMembers = {
  bookmark: optional({ ...text, description: bookmarkText } satisfies Schema),
  previous_bookmark: optional({ ...text, description: previousText } satisfies Schema),
};

/** An answer that is given once more is the same, and its commit is long past. */
export function withBookmarks(
  reply: Reply | StreamReply,
  { commits }: Route,
  { bookmark, previous }: WriteBookmarks,
): Reply | StreamReply {
  if (commits === undefined || reply.status >= 300 || reply.headers?.['idempotent-replayed'] !== undefined)
    return reply;
  const headers = { ...reply.headers, 'x-hoody-bookmark': bookmark, 'x-hoody-previous-bookmark': previous };
  const { body } = reply;
  if (commits === 'headers' || typeof body !== 'string') return { ...reply, headers } as Reply;
  const members = `"bookmark":"${bookmark}","previous_bookmark":"${previous}"`;
  return { ...reply, headers, body: `${body.slice(0, -1)},${members}}` };
}
