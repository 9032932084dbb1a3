// The rules for a database with a rollback journal (delete, truncate and persist ask for the same locks): PENDING,
// RESERVED, EXCLUSIVE.
import { expect, test } from 'vitest';
import { Simulation } from './simulation.ts';

test('an uncontended transaction is never held up', () => {
  const world = new Simulation();
  const writer = world.client(1);
  for (let round = 0; round < 100; round++) expect(writer.write()).toBe('locked');
  expect(world.manager.counters.waits).toBe(0);
});

test('PENDING is waited for while somebody commits, and refused after 5 seconds', () => {
  const world = new Simulation();
  const [writer, reader] = [world.client(1), world.client(2)];
  writer.beginWrite();
  writer.lock('PENDING', 'write');
  expect(reader.beginRead()).toBe('waiting');
  world.pass(5001);
  expect(reader.outcome).toBe('busy');
});

test('the commit waits for the readers that are there, and newcomers do not overtake it', () => {
  const world = new Simulation();
  const [reader, writer, newcomer] = [world.client(1), world.client(2), world.client(3)];
  reader.beginRead();
  world.pass(60);
  writer.beginWrite();
  expect(writer.commit()).toBe('waiting');
  expect(newcomer.beginRead()).toBe('waiting');
  reader.endRead();
  expect(writer.outcome).toBe('locked');
  expect(newcomer.outcome).toBe('waiting');
  expect(writer.finishCommit()).toBe('locked');
  expect(newcomer.outcome).toBe('locked');
});

test('a commit that waits for PENDING is not overtaken by proved readers', () => {
  const world = new Simulation();
  const [writer, first, second] = [world.client(1), world.client(2, 'app.db', true), world.client(3, 'app.db', true)];
  writer.beginWrite();
  expect(first.lock('PENDING', 'read')).toBe('locked');
  expect(writer.lock('PENDING', 'write')).toBe('waiting');
  expect(second.lock('PENDING', 'read')).toBe('waiting');
  first.finishRead();
  expect(writer.outcome).toBe('locked');
  expect(second.outcome).toBe('waiting');
});

test('RESERVED is waited for 50 ms by an owner that holds SHARED', () => {
  const world = new Simulation();
  const [writer, other] = [world.client(1), world.client(2)];
  writer.beginRead();
  world.pass(60);
  other.beginRead();
  writer.lock('RESERVED', 'write');
  expect(other.lock('RESERVED', 'write')).toBe('waiting');
  world.pass(49);
  expect(other.outcome).toBe('waiting');
  world.pass(2);
  expect(other.outcome).toBe('busy');
});

test('RESERVED is refused at once when the holder commits, also to one that waits already', () => {
  const world = new Simulation();
  const [writer, waiting, late] = [world.client(1), world.client(2), world.client(3)];
  for (const client of [writer, waiting, late]) {
    client.beginRead();
    world.pass(60);
  }
  writer.lock('RESERVED', 'write');
  expect(waiting.lock('RESERVED', 'write')).toBe('waiting');
  expect(writer.commit()).toBe('waiting'); // for the two SHARED
  expect(waiting.outcome).toBe('busy');
  expect(late.lock('RESERVED', 'write')).toBe('busy');
  waiting.endRead();
  late.endRead();
  expect(writer.outcome).toBe('locked');
  expect(world.manager.counters.deadlockRefusals).toBe(0);
});

test('RESERVED of an empty database is answered at once: a reader asks for it', () => {
  const world = new Simulation();
  world.journals.set('app.db', 'empty');
  const [writer, reader] = [world.client(1), world.client(2)];
  writer.beginRead();
  world.pass(60);
  reader.beginRead();
  writer.lock('RESERVED', 'write');
  expect(reader.lock('RESERVED', 'write')).toBe('busy');
});

test('readers that find a hot journal roll it back one after the other, and all succeed', () => {
  const world = new Simulation();
  const readers = [1, 2, 3, 4, 5, 6].map((pid) => world.client(pid));
  for (const reader of readers) reader.beginRead();
  for (const reader of readers) {
    expect(reader.outcome).toBe('locked');
    if (reader !== readers[0]) expect(reader.finishRead()).toBe('locked');
    expect(reader.lock('PENDING', 'write')).toBe('locked');
    expect(reader.lock('SHARED', 'write')).toBe('locked');
    reader.finishCommit();
  }
});

test('of two readers that both want to roll back a hot journal one gives way at once', () => {
  const world = new Simulation();
  const [one, other] = [world.client(1), world.client(2)];
  one.beginRead();
  world.pass(60);
  other.beginRead();
  expect(one.lock('PENDING', 'write')).toBe('locked');
  expect(one.lock('SHARED', 'write')).toBe('waiting');
  expect(other.lock('PENDING', 'write')).toBe('busy');
  other.endRead();
  expect(one.outcome).toBe('locked');
  expect(world.manager.counters.deadlockRefusals).toBe(1);
});

test('EXCLUSIVE -> SHARED and every unlock are granted at once', () => {
  const world = new Simulation();
  const [writer, waiting] = [world.client(1), world.client(2)];
  writer.beginWrite();
  writer.lock('PENDING', 'write');
  writer.lock('SHARED', 'write');
  waiting.beginRead();
  expect(writer.lock('SHARED', 'read')).toBe('locked');
  expect(writer.lock('PENDING_AND_RESERVED', 'unlock')).toBe('locked');
  expect(writer.lock('ALL', 'unlock')).toBe('locked');
});

test('exclusive locking mode keeps newcomers waiting to the limit, then they are told busy', () => {
  const world = new Simulation();
  const [owner, newcomer] = [world.client(1), world.client(2)];
  owner.beginRead();
  for (const name of ['RESERVED', 'PENDING', 'SHARED'] as const) owner.lock(name, 'write');
  newcomer.beginRead();
  world.pass(5001);
  expect(newcomer.outcome).toBe('busy');
});
