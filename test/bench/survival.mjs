// What surviving costs: nanoseconds for each change that the fs process stores for its successor, and how long a
// take-over of 9,000 nodes takes. Usage, after `npm run build`: node test/bench/survival.mjs
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OwnChanges } from '../../dist/fs/nodes/own-changes.js';
import { Passthrough } from '../../dist/fs/nodes/passthrough.js';
import { openTree, resolve } from '../../dist/fs/nodes/tree.js';
import { createKeptState, KeptState } from '../../dist/fs/state/kept-state.js';
import { restore } from '../../dist/fs/state/restore.js';
import { raiseDescriptorLimit } from '../../dist/fs/system/process.js';

const rounds = 200_000;
const files = 9_000; // both processes' descriptors are in this one
const say = (text) => process.stdout.write(`${text}\n`);
const log = (_level, event, fields) => process.stderr.write(`${event} ${JSON.stringify(fields)}\n`);
const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-bench-'));
raiseDescriptorLimit();

function perCall(what, count, call) {
  for (let n = 0; n < Math.min(count, 20_000); n++) call(n);
  const startedMs = performance.now();
  for (let n = 0; n < count; n++) call(n);
  const ns = ((performance.now() - startedMs) * 1e6) / count;
  say(`${what.padEnd(60)} ${ns.toFixed(0).padStart(8)} ns`);
}

function tree(keptState) {
  return openTree(folder, {
    caller: { become: () => {} },
    passthrough: new Passthrough(-1, log),
    ownChanges: new OwnChanges(),
    syncer: undefined,
    lastCloses: undefined,
    fence: { covers: () => false },
    powerCut: undefined,
    refusesFenced: false,
    directories: undefined,
    inodeSpaces: { load: () => new Map(), save: () => {} },
    keptState,
  });
}

try {
  const descriptors = createKeptState();
  const keptState = new KeptState(descriptors, log);
  keptState.agreement = { passthrough: false, locks: true };
  perCall('the request that is being served', rounds, (n) => keptState.operation.begin(n + 1, false));
  const held = { owner: 12345678901234567890n, handle: 7, slots: [], ranges: [] };
  const range = { start: 120, end: 120, type: 'write', pid: 100, tid: 100, sinceMs: 0 };
  const store = keptState.locks.storeOf(2, false);
  perCall('a lock granted to an owner that holds two others', rounds, () => {
    held.ranges = [range, range, range];
    store.save(held);
  });
  perCall('a waiter: added and removed', rounds, (n) => {
    keptState.waiters.add(n);
    keptState.waiters.remove(n);
  });
  const node = { id: 9 };
  const handles = keptState.handleStore;
  perCall('a handle: opened and released', rounds, () =>
    handles.remove(handles.add({ id: 1, node, access: 2, isDirect: false, pid: 100, openedS: 7, unique: 5 })),
  );
  const fd = openSync(folder, 'r');
  keptState.useMountOf(fd);
  perCall('a node: looked up and forgotten', rounds, () =>
    keptState.nodeStore.remove(keptState.nodeStore.add(5, fd, false), 5),
  );
  perCall('a descriptor kept and given up', 20_000, () => {
    keptState.descriptors.keep('mirror', 5, fd);
    keptState.descriptors.forget('mirror', 5);
  });
  closeSync(fd);

  const first = tree(keptState);
  const root = first.nodes.get(1);
  for (let n = 0; n < files; n++) {
    writeFileSync(join(folder, `file-${n}`), '');
    resolve(first, root, Buffer.from(`file-${n}\0`)).lookups = 1;
  }
  const startedMs = performance.now();
  const next = new KeptState(descriptors, log);
  const restored = restore(tree(next), next, folder, log);
  const tookMs = performance.now() - startedMs;
  say(`take-over of ${restored.nodes - 1} nodes, ${restored.lost} lost: ${tookMs.toFixed(0)} ms`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
