// The studio's operations, for the executor's table.
import { rmSync } from 'node:fs';
import { studio } from '../../messages/operations/studio.ts';
import { json } from '../../messages/reply.ts';
import { type AnyImplementation, implement } from '../implementation.ts';
import { answerOrHandBack } from '../sql/hand-back.ts';
import { apply } from './apply.ts';
import { bytesOfValue, readValue } from './cell.ts';
import { copyTo } from './copy.ts';
import { count, estimate } from './count.ts';
import { exportTo } from './export.ts';
import { facets } from './facets.ts';
import { importFrom } from './import.ts';
import { kvKeys, kvTables } from './kv-keys.ts';
import { kvBytes, kvHistory, kvValue } from './kv-past.ts';
import { pulse } from './pulse.ts';
import { inRead } from './reading.ts';
import { readPage } from './rows.ts';
import { fillSample } from './sample.ts';
import { readSchema } from './schema.ts';
import { explain, runSql } from './sql.ts';

export const studioOperations: readonly AnyImplementation[] = [
  implement(studio.schema, (connection, { db }) => json(inRead(connection, () => readSchema(connection, db)))),
  implement(studio.rows, (connection, request) => json(inRead(connection, () => readPage(connection, request)))),
  implement(studio.count, (connection, { selection, isEstimate }) =>
    inRead(connection, () => (isEstimate ? estimate(connection, selection) : count(connection, selection))),
  ),
  implement(studio.facets, (connection, request) => json(inRead(connection, () => facets(connection, request)))),
  implement(studio.cell, (connection, request) =>
    json({ value: inRead(connection, () => readValue(connection, request)) }),
  ),
  implement(studio.cellBytes, (connection, request) =>
    bytesOfValue(inRead(connection, () => readValue(connection, request))),
  ),
  implement(studio.apply, (connection, { request, clientIp }) => apply(connection, request, clientIp)),
  implement(studio.sql, (connection, { request, clientIp }) => runSql(connection, request, clientIp)),
  implement(studio.readingSql, (connection, { request, clientIp }) =>
    answerOrHandBack(connection, runSql(connection, request, clientIp)),
  ),
  implement(studio.explain, (connection, request) => json(inRead(connection, () => explain(connection, request)))),
  // In a read transaction of their lanes.
  implement(studio.kvTables, (connection) => json(kvTables(connection))),
  implement(studio.kvKeys, (connection, request) => json(kvKeys(connection, request))),
  implement(studio.kvValue, (connection, request) => json(kvValue(connection, request))),
  implement(studio.kvBytes, kvBytes),
  implement(studio.kvHistory, (connection, request) => json(kvHistory(connection, request))),
  implement(studio.fillSample, (connection, { clientIp }) => fillSample(connection, clientIp)),
  implement(studio.pulse, pulse),
  implement(studio.exportRows, (connection, { request, path }) =>
    inNewFile(path, () => inRead(connection, () => exportTo(connection, request, path))),
  ),
  implement(studio.importRows, importFrom),
  implement(studio.copy, (connection, { path }) => inNewFile(path, () => copyTo(connection, path))),
] as readonly AnyImplementation[];

/** A run that has ended early, and is done again here, has left a part of the file. */
function inNewFile<Result>(path: string, write: () => Result): Result {
  rmSync(path, { force: true });
  return write();
}
