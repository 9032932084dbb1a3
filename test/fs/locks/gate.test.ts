// Newcomers wait before their snapshot: who is held, in which order, and for how long at most.
import { expect, test } from 'vitest';
import { type Client, Simulation } from './simulation.ts';

test('a newcomer is held at PENDING while somebody holds RESERVED, and goes on when the commit is over', () => {
  const world = new Simulation();
  const writer = world.client(1);
  const newcomer = world.client(2);
  writer.beginWrite();
  expect(newcomer.beginRead()).toBe('waiting');
  world.pass(3000);
  expect(newcomer.outcome).toBe('waiting');
  expect(writer.commit()).toBe('locked');
  expect(newcomer.outcome).toBe('locked');
  expect(newcomer.finishRead()).toBe('locked');
  expect(newcomer.lock('RESERVED', 'write')).toBe('locked');
});

test('newcomers are served in the order of their arrival, one transaction after the other', () => {
  const world = new Simulation();
  const writer = world.client(1);
  writer.beginWrite();
  const line = [2, 3, 4].map((pid) => world.client(pid));
  for (const client of line) expect(client.beginRead()).toBe('waiting');
  writer.commit();
  for (const [place, client] of line.entries()) {
    expect(line.map(({ outcome }) => outcome).filter((outcome) => outcome === 'waiting')).toHaveLength(2 - place);
    expect(client.finishRead()).toBe('locked');
    expect(client.lock('RESERVED', 'write')).toBe('locked');
    expect(client.commit()).toBe('locked');
  }
});

test('a newcomer behind a young transaction waits until that is over or too old to write', () => {
  const world = new Simulation();
  const [first, second, third] = [world.client(1), world.client(2), world.client(3)];
  first.beginRead();
  expect(second.beginRead()).toBe('waiting');
  first.endRead();
  expect(second.outcome).toBe('locked');
  second.finishRead();
  expect(third.beginRead()).toBe('waiting');
  world.pass(49);
  expect(third.outcome).toBe('waiting');
  world.pass(2);
  expect(third.outcome).toBe('locked');
});

test('a transaction whose thread is in the middle of its work stays young for half a second at most', () => {
  const world = new Simulation();
  const [starved, newcomer] = [world.client(1), world.client(2)];
  world.running.add(starved.tid);
  starved.beginRead();
  expect(newcomer.beginRead()).toBe('waiting');
  world.pass(400);
  expect(newcomer.outcome).toBe('waiting');
  world.pass(120);
  expect(newcomer.outcome).toBe('locked');
});

test('a write attempt that is ready counts before the age of its transaction', () => {
  const world = new Simulation();
  const [first, second] = [world.client(1), world.client(2)];
  first.beginRead();
  expect(second.beginRead()).toBe('waiting');
  world.nowMs += 60; // the loop was busy elsewhere; both a limit and a request are due
  expect(first.lock('RESERVED', 'write')).toBe('locked');
  world.pass(100);
  expect(second.outcome).toBe('waiting');
  expect(first.commit()).toBe('locked');
  expect(second.outcome).toBe('locked');
});

test('a gate that time has opened is due at once', () => {
  const world = new Simulation();
  const [first, second] = [world.client(1), world.client(2)];
  first.beginRead();
  expect(second.beginRead()).toBe('waiting');
  world.client(3, 'other.db').write();
  second.close(); // anything that makes the manager look at its deadlines again
  world.nowMs += 60;
  expect(world.manager.nextDeadlineMs(world.nowMs)).toBeLessThanOrEqual(world.nowMs);
});

test('behind young transactions alone nobody is held for more than a second in all', () => {
  const world = new Simulation();
  const patient = world.client(100);
  const others = Array.from({ length: 60 }, (_, n) => world.client(n + 1));
  others[0]?.beginRead();
  // Every newcomer arrives before the patient one and takes the next turn.
  for (const other of others.slice(1)) other.beginRead();
  expect(patient.beginRead()).toBe('waiting');
  world.pass(1001);
  expect(patient.outcome).toBe('locked');
});

test('after 5 seconds behind a writer the newcomer is let through, and its write is refused within 50 ms', () => {
  const world = new Simulation();
  const [writer, newcomer] = [world.client(1), world.client(2)];
  writer.beginWrite();
  newcomer.beginRead();
  world.pass(4999);
  expect(newcomer.outcome).toBe('waiting');
  world.pass(2);
  expect(newcomer.outcome).toBe('locked');
  newcomer.finishRead();
  expect(newcomer.lock('RESERVED', 'write')).toBe('waiting');
  world.pass(51);
  expect(newcomer.outcome).toBe('busy');
});

test('a reader that outlasts a commit keeps newcomers waiting once, and further commits not at all', () => {
  const world = new Simulation();
  const [reader, writer, newcomer, other] = [1, 2, 3, 4].map((pid) => world.client(pid)) as [
    Client,
    Client,
    Client,
    Client,
  ];
  reader.beginRead();
  world.pass(60);
  writer.beginWrite();
  expect(writer.commit()).toBe('waiting');
  expect(newcomer.beginRead()).toBe('waiting');
  expect(other.beginRead()).toBe('waiting');
  world.pass(world.manager.limits.commitMs + 1);
  expect(writer.outcome).toBe('busy');
  writer.endRead();
  expect(newcomer.outcome).toBe('locked');
  newcomer.finishRead();
  newcomer.endRead();
  expect(other.outcome).toBe('locked');
  other.finishRead();
  expect(other.lock('RESERVED', 'write')).toBe('locked');
  expect(other.commit()).toBe('busy');
  other.endRead();
  reader.endRead();
  world.pass(10);
  expect(other.write()).toBe('locked');
});

test('behind a write lock that is older than a whole wait a newcomer waits one second, and a signal makes nobody a newcomer', () => {
  const world = new Simulation();
  const [writer, early, late] = [world.client(1), world.client(2), world.client(3)];
  const { queueMs, behindLongMs } = world.manager.limits;
  writer.beginWrite();
  world.pass(queueMs - 100);
  early.beginRead();
  world.pass(200);
  late.beginRead();
  early.interrupt();
  expect(early.beginRead()).toBe('waiting');
  world.pass(behindLongMs - 1);
  expect(late.outcome).toBe('waiting');
  world.pass(2);
  expect(late.outcome).toBe('locked');
  world.pass(queueMs - behindLongMs - 250);
  expect(early.outcome).toBe('waiting');
  world.pass(100);
  expect(early.outcome).toBe('locked');
});

test('a busy handler that asks again and again waits 5 seconds in all, not 5 seconds a try', () => {
  const world = new Simulation();
  const [writer, newcomer] = [world.client(1), world.client(2)];
  writer.beginWrite();
  const startMs = world.nowMs;
  for (let tries = 0; tries < 10; tries++) {
    if (newcomer.beginRead() === 'waiting') {
      world.pass(5001);
      newcomer.finishRead();
    }
    newcomer.lock('RESERVED', 'write');
    world.pass(50);
    newcomer.endRead();
    world.pass(50); // the busy handler sleeps
  }
  expect(world.nowMs - startMs).toBeLessThan(5000 + 10 * 110);
});

test('a process with two handles on the main file waits 50 ms at most, at the gate too', () => {
  const world = new Simulation();
  const writer = world.client(1);
  const one = world.client(2);
  world.manager.open(world.file('app.db', 'database'), 77, 2, false);
  writer.beginWrite();
  expect(one.beginRead()).toBe('waiting');
  world.pass(51);
  expect(one.outcome).toBe('locked');
});

/** Others begin one after the other, read for `eachMs` and end; `last` stands behind them all. */
function standBehind(world: Simulation, others: readonly Client[], last: Client, eachMs: number): void {
  for (const other of others) other.beginRead();
  expect(last.lock('PENDING', 'read')).toBe('waiting');
  for (const other of others) {
    expect(other.outcome).toBe('locked');
    if (other !== others[0]) other.finishRead();
    world.pass(eachMs);
    other.endRead();
  }
  expect(last.outcome).toBe('locked');
  last.finishRead();
}

test('who has read after a wait begins its next transaction with a limit of its own: the shell looks at the schema first', () => {
  const world = new Simulation();
  const [last, ...others] = Array.from({ length: 15 }, (_, n) => world.client(n + 1)) as [Client, ...Client[]];
  last.write();
  standBehind(world, others, last, 45);
  last.endRead();
  standBehind(world, others, last, 45);
  expect(world.manager.counters.gateTimeouts).toBe(0);
});

test('time that a machine short of processors takes from the one in front does not count as idle', () => {
  const world = new Simulation();
  const [last, ...others] = Array.from({ length: 15 }, (_, n) => world.client(n + 1)) as [Client, ...Client[]];
  last.write();
  for (const other of others) world.running.add(other.tid);
  standBehind(world, others, last, 120);
  expect(world.manager.counters.gateTimeouts).toBe(0);
});
