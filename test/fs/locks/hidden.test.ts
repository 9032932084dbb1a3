// Processes that cannot be seen from here - the daemon runs in a pid namespace of its own - have the pid 0 all of them.
// They are told apart by lock owner.
import { expect, test } from 'vitest';
import { type Client, Simulation } from './simulation.ts';

function reads(client: Client, count: number): void {
  for (let n = 0; n < count; n++) {
    expect(client.beginRead()).toBe('locked');
    client.endRead();
  }
}

test('hidden processes queue like all others: their connections are not those of one process', () => {
  const world = new Simulation();
  const [writer, one, other] = [world.hidden(1), world.hidden(2), world.hidden(3)];
  for (const client of [writer, one, other]) reads(client, 1);
  writer.beginWrite();
  expect(one.beginRead()).toBe('waiting');
  expect(other.beginRead()).toBe('waiting');
  world.pass(4000);
  expect([one.outcome, other.outcome]).toEqual(['waiting', 'waiting']);
  writer.commit();
  expect([one.outcome, other.outcome]).toEqual(['locked', 'waiting']);
  one.finishRead();
  one.lock('RESERVED', 'write');
  one.commit();
  expect(other.outcome).toBe('locked');
});

test('a hidden process with two connections that it has used waits 50 ms at most', () => {
  const world = new Simulation();
  const [writer, one] = [world.hidden(1), world.hidden(2)];
  reads(one, 1);
  const file = world.file('app.db', 'database');
  world.manager.open(file, 77, 0, false);
  world.ask({ ...plainRead, file, handle: 77, owner: one.owner });
  world.ask({ ...plainRead, file, handle: 77, owner: one.owner, type: 'unlock' });
  writer.beginWrite();
  expect(one.beginRead()).toBe('waiting');
  world.pass(world.manager.limits.shortMs + 1);
  expect(one.outcome).toBe('locked');
});

const plainRead = { start: 0, end: 0, type: 'read', pid: 0, tid: 0, wait: false, flock: false } as const;

test('a hidden reader proves nothing for the others, and nothing for the next one with its lock owner', () => {
  const world = new Simulation();
  const [writer, reader, other] = [world.hidden(1), world.hidden(2), world.hidden(3)];
  writer.write();
  reads(reader, world.manager.limits.readerProof);
  writer.beginWrite();
  expect(reader.beginRead()).toBe('locked');
  expect(other.beginRead()).toBe('waiting');
  reader.endRead();
  reader.close();
  expect(world.hidden(2).beginRead()).toBe('waiting');
});

test('the threads of a hidden process: a WAL restart is refused beside a checkpoint of another one, RESTART goes on', () => {
  const world = new Simulation();
  world.journals.set('app.db', 'wal');
  const process = world.hidden(1);
  process.connectWal();
  process.lock('CKPT', 'write');
  expect(process.lock('RESET', 'write')).toBe('locked'); // the checkpointer: it has no snapshot
  expect(process.lock('CKPT', 'write')).toBe('busy');
  process.unlock('RESET');
  process.lock('READ0', 'read');
  process.lock('WRITE', 'write');
  expect(process.lock('RESET', 'write')).toBe('busy'); // a writer, as its snapshot shows
});
