// Who is taken for a reader, and what that is worth.
import { expect, test } from 'vitest';
import { Simulation, threeWalClients } from './simulation.ts';

test('a reader is proved by 16 read transactions, and loses the proof with its first write attempt', () => {
  const world = new Simulation();
  const [reader, writer] = [world.client(1), world.client(2)];
  const read = () => {
    const outcome = reader.beginRead();
    if (outcome === 'locked') reader.endRead();
    return outcome;
  };
  for (let reads = 0; reads < 16; reads++) read();
  writer.beginWrite();
  expect(read()).toBe('locked');
  writer.commit();
  expect(reader.write()).toBe('locked');
  writer.beginWrite();
  expect(read()).toBe('waiting');
});

test('a proof belongs to the process, not to its pid', () => {
  const world = new Simulation();
  world.identities.set(1, { key: '1 started yesterday', executable: '/usr/bin/app' });
  const reader = world.client(1);
  for (let reads = 0; reads < 16; reads++) {
    reader.beginRead();
    reader.endRead();
  }
  reader.close();
  world.identities.set(1, { key: '1 started today', executable: '/usr/bin/app' });
  const recycled = world.client(1);
  const writer = world.client(2);
  writer.beginWrite();
  expect(recycled.beginRead()).toBe('waiting');
});

test('a file opened for reading only is a reader from the start', () => {
  const world = new Simulation();
  const [writer, reader] = [world.client(1), world.client(2, 'app.db', true)];
  writer.beginWrite();
  expect(reader.beginRead()).toBe('locked');
});

test('short-lived readers of one program do not queue behind each other once the program is proved', () => {
  const world = new Simulation();
  const start = (pid: number) => {
    world.identities.set(pid, { key: `${pid}`, executable: '/usr/bin/php' });
    return world.client(pid);
  };
  for (let pid = 1; pid <= 16; pid++) {
    const reader = start(pid);
    reader.beginRead();
    reader.close();
  }
  const writer = world.client(99);
  writer.write(); // hot again
  const [one, other] = [start(50), start(51)];
  expect(one.beginRead()).toBe('locked');
  expect(other.beginRead()).toBe('locked');
  one.close();
  // A real writer in front still holds them: the next php may be a writer itself.
  other.close();
  writer.beginWrite();
  expect(start(52).beginRead()).toBe('waiting');
});

test('READ marks given back for a changed header prove no reader, however slowly it happens', () => {
  const { world, a, b } = threeWalClients();
  for (let n = 0; n < 20; n++) {
    a.beginWalWrite();
    expect(b.lock('READ1', 'read')).toBe('waiting');
    a.endWalWrite();
    world.pass(20);
    expect(b.outcome).toBe('locked');
    b.unlock('READ1');
    world.pass(300); // longer than any turn is kept
  }
});

test('a writer that asks for WRITE before its READ mark is never taken for a reader', () => {
  const { a, b, c } = threeWalClients();
  for (let n = 0; n < 20; n++) {
    expect(a.lock('WRITE', 'write')).toBe('locked');
    a.lock('READ1', 'read');
    a.endWalWrite();
  }
  b.beginWalWrite();
  expect(a.lock('READ1', 'read')).toBe('waiting');
  expect(c.lock('WRITE', 'write')).toBe('waiting');
});

test('proved readers are not held beside a writer', () => {
  const { world, a, b } = threeWalClients();
  for (let reads = 0; reads < 16; reads++) {
    b.lock('READ1', 'read');
    world.pass(3);
    b.unlock('READ1');
  }
  const waits = world.manager.counters.waits;
  for (let writes = 0; writes < 20; writes++) {
    a.beginWalWrite();
    expect(b.lock('READ1', 'read')).toBe('locked');
    b.unlock('READ1');
    a.endWalWrite();
    world.pass(50);
  }
  expect(world.manager.counters.waits).toBe(waits);
});
