// The rules for a database with a rollback journal (delete, truncate and persist ask for the same locks), row by row.
import { expect, test } from 'vitest';
import { type Client, Simulation } from './simulation.ts';

test('an uncontended transaction is never held up', () => {
  const world = new Simulation();
  const writer = world.client(1);
  for (let round = 0; round < 100; round++) expect(writer.write()).toBe('locked');
  expect(world.manager.counters.waits).toBe(0);
});

test('a newcomer is held at PENDING while somebody holds RESERVED, and goes on when the commit is over', () => {
  const world = new Simulation();
  const writer = world.client(1);
  const newcomer = world.client(2);
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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

test('PENDING is waited for while somebody commits, and refused after 5 seconds', () => {
  const world = new Simulation();
  const [writer, reader] = [world.client(1), world.client(2)];
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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

test('a reader is proved by 16 read transactions, and loses the proof with its first write attempt', () => {
  const world = new Simulation();
  const [reader, writer] = [world.client(1), world.client(2)];
  const read = () => {
    const outcome = reader.beginRead();
    if (outcome === 'locked') reader.endRead();
    return outcome;
  };
  for (let reads = 0; reads < 16; reads++) read();
  writer.beginRead();
  writer.lock('RESERVED', 'write');
  expect(read()).toBe('locked');
  writer.commit();
  expect(reader.write()).toBe('locked');
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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
  writer.beginRead();
  writer.lock('RESERVED', 'write');
  expect(recycled.beginRead()).toBe('waiting');
});

test('a file opened for reading only is a reader from the start', () => {
  const world = new Simulation();
  const [writer, reader] = [world.client(1), world.client(2, 'app.db', true)];
  writer.beginRead();
  writer.lock('RESERVED', 'write');
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
  writer.beginRead();
  writer.lock('RESERVED', 'write');
  expect(start(52).beginRead()).toBe('waiting');
});

test('a process with two handles on the main file waits 50 ms at most, at the gate too', () => {
  const world = new Simulation();
  const writer = world.client(1);
  const one = world.client(2);
  world.manager.open(world.file('app.db', 'database'), 77, 2, false);
  writer.beginRead();
  writer.lock('RESERVED', 'write');
  expect(one.beginRead()).toBe('waiting');
  world.pass(51);
  expect(one.outcome).toBe('locked');
});

test('SIGKILL of the holder: its FLUSH hands the lock on at once', () => {
  const world = new Simulation();
  const [writer, newcomer] = [world.client(1), world.client(2)];
  writer.beginRead();
  writer.lock('RESERVED', 'write');
  newcomer.beginRead();
  writer.close();
  expect(newcomer.outcome).toBe('locked');
});

test('a signal keeps the place in the line for 250 ms', () => {
  const world = new Simulation();
  const [writer, first, second] = [world.client(1), world.client(2), world.client(3)];
  writer.beginRead();
  writer.lock('RESERVED', 'write');
  first.beginRead();
  second.beginRead();
  for (let signals = 0; signals < 100; signals++) {
    first.interrupt();
    expect(first.outcome).toBe('interrupted');
    world.pass(5);
    expect(first.beginRead()).toBe('waiting');
    world.pass(5);
  }
  writer.commit();
  expect(first.outcome).toBe('locked');
  expect(second.outcome).toBe('waiting');
});

test('signals do not lengthen the wait', () => {
  const world = new Simulation();
  const [writer, newcomer] = [world.client(1), world.client(2)];
  writer.beginRead();
  writer.lock('RESERVED', 'write');
  let waitedMs = 0;
  while (newcomer.beginRead() === 'waiting' && waitedMs < 20_000) {
    world.pass(10);
    waitedMs += 10;
    if (newcomer.outcome !== 'waiting') break;
    newcomer.interrupt();
  }
  expect(waitedMs).toBeGreaterThanOrEqual(5000);
  expect(waitedMs).toBeLessThanOrEqual(5020);
});

test('100,000 lock and unlock requests of 1,000 processes leave no entry behind', () => {
  const world = new Simulation();
  for (let pid = 1; pid <= 1000; pid++) {
    const client = world.client(pid);
    for (let cycle = 0; cycle < 12; cycle++) expect(client.write()).toBe('locked');
    client.close();
  }
  expect(world.manager.size).toEqual({ files: 0, owners: 0, waiting: 0 });
  expect(world.manager.nextDeadlineMs(world.nowMs)).toBe(Number.POSITIVE_INFINITY);
}, 60_000);

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
