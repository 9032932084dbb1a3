// A request of a libSQL stream over HTTP: a pipeline, or a batch whose answer is a cursor.
import type { Reply } from '../../../messages/reply.ts';
import type { RequestContext } from '../../http/context.ts';
import type { Services } from '../../services.ts';
import { databaseOf } from './name.ts';
import { runStreamRequest, type StreamReply, type StreamRequest } from './stream.ts';

export async function answerPipeline(context: RequestContext, services: Services): Promise<Reply> {
  const { baton, body } = await answer(context, services, 'pipeline');
  const text = `{"baton":${JSON.stringify(baton)},"base_url":null,"results":${body}}`;
  return { status: 200, contentType: 'application/json', body: text };
}

/** All of it is there before its first line is sent. */
export async function answerCursor(context: RequestContext, services: Services): Promise<Reply> {
  const { baton, body } = await answer(context, services, 'cursor');
  const text = `{"baton":${JSON.stringify(baton)},"base_url":null}\n${body}`;
  return { status: 200, contentType: 'text/plain', body: text };
}

async function answer(context: RequestContext, services: Services, form: StreamRequest['form']): Promise<StreamReply> {
  const target = databaseOf(context, services);
  const body = await context.body();
  return await runStreamRequest(context, services, { target, body, form, baton: batonOf(body) });
}

/** Not parsed: a body may be large. A name that stands in a string has its quotes escaped. */
function batonOf(body: Buffer): string | null {
  return /(?<!\\)"baton"\s*:\s*"([^"]*)"/.exec(body.toString('latin1'))?.[1] ?? null;
}
