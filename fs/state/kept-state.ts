// Everything of an fs process that its successor takes over: the memory with its sections and the kept descriptors. The
// supervisor creates both and hands them to every fs process, so they live for as long as either lives.
import { FsError } from '../errors.ts';
import type { FenceStore } from '../fence/fence.ts';
import type { Log } from '../log.ts';
import type { HandleStore } from '../nodes/handles.ts';
import type { NodeStore } from '../nodes/nodes.ts';
import type { HandleId, NodeId } from '../protocol/requests.ts';
import { rootNodeId } from '../protocol/requests.ts';
import { pread } from '../system/files.ts';
import { canOpenByHandle, inodeHandleBytes, readInodeHandle } from '../system/inode-handles.ts';
import { lastError } from '../system/libc.ts';
import { createMemoryFile, mapMemoryFile } from '../system/memory.ts';
import { createSocketPair } from '../system/sockets.ts';
import { ArchiveMemory } from './archive-memory.ts';
import { fenceSlots } from './fence-slots.ts';
import { FullSections, type SectionName } from './full-sections.ts';
import { HandleSlots } from './handle-slots.ts';
import { KeptDescriptors, keptRoomBytes } from './kept-descriptors.ts';
import { countsPage, headerDouble, headerWord, layoutVersion, magic, stateBytes } from './layout.ts';
import { LockSlots } from './lock-slots.ts';
import { NodeSlots } from './node-slots.ts';
import { CurrentOperation } from './operation.ts';
import { WaiterSlots } from './waiter-slots.ts';

export interface KeptStateDescriptors {
  readonly memoryFd: number;
  readonly sendFd: number;
  readonly receiveFd: number;
}

/** What INIT has settled with the kernel, for as long as the connection lives. */
export interface Agreement {
  readonly passthrough: boolean;
  readonly locks: boolean;
}

const initialized = 1;

export function createKeptState(): KeptStateDescriptors {
  return { memoryFd: createMemoryFile('hoody-sqlite', stateBytes), ...createSocketPair(keptRoomBytes) };
}

/** Without mapping it. @throws FsError where a process of another version has written it */
export function checkStateVersion({ memoryFd }: KeptStateDescriptors): void {
  const words = new Uint32Array(64);
  const bytes = Buffer.from(words.buffer);
  if (pread(memoryFd, bytes, bytes.length, 0) < 0) throw lastError('pread');
  if (words[headerWord.magic] !== 0) refuseOtherVersion(words);
}

function refuseOtherVersion(words: Uint32Array): void {
  if (words[headerWord.magic] === magic && words[headerWord.version] === layoutVersion) return;
  throw new FsError('state-version', 'the state of the fs process before this one is of another version', {
    hint: 'stop and start the daemon instead of reloading it',
  });
}

export class KeptState {
  readonly nodes: NodeSlots;
  readonly handles: HandleSlots;
  readonly locks: LockSlots;
  readonly fence: FenceStore;
  readonly waiters: WaiterSlots;
  readonly operation: CurrentOperation;
  readonly descriptors: KeptDescriptors;
  readonly full: FullSections;
  /** What the archive process reads and writes as well. */
  readonly archive: ArchiveMemory;
  /** Requests served since the mount began, by opcode. */
  readonly requestCounts: Float64Array;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #inodeHandle = Buffer.alloc(inodeHandleBytes);
  #mountId = -1;

  constructor({ memoryFd, ...socket }: KeptStateDescriptors, log: Log) {
    const memory = mapMemoryFile(memoryFd, stateBytes);
    this.#words = new Uint32Array(memory, 0, 64);
    this.#doubles = new Float64Array(memory, 0, 64);
    if (this.#word('magic') === 0) this.#begin();
    refuseOtherVersion(this.#words);
    this.#words[headerWord.generation] = this.generation + 1;
    this.nodes = new NodeSlots(memory);
    this.handles = new HandleSlots(memory);
    this.locks = new LockSlots(memory);
    this.fence = fenceSlots(memory);
    this.waiters = new WaiterSlots(memory);
    this.operation = new CurrentOperation(memory);
    this.full = new FullSections(log);
    this.archive = new ArchiveMemory(memory);
    this.descriptors = new KeptDescriptors(socket, log);
    this.requestCounts = new Float64Array(memory, countsPage.startByte, countsPage.slotBytes / 8);
  }

  /** 1 for the process that a mount began with. */
  get generation(): number {
    return this.#word('generation');
  }

  /** Undefined until INIT was answered. */
  get agreement(): Agreement | undefined {
    if (this.#word('phase') !== initialized) return undefined;
    return { passthrough: this.#word('passthrough') !== 0, locks: this.#word('locks') !== 0 };
  }

  set agreement(agreed: Agreement) {
    this.#words[headerWord.passthrough] = Number(agreed.passthrough);
    this.#words[headerWord.locks] = Number(agreed.locks);
    Atomics.store(this.#words, headerWord.phase, initialized);
  }

  /** What programs of an earlier, dead mount have open is known: see Fence.survey. */
  get isSurveyed(): boolean {
    return this.#word('surveyed') !== 0;
  }

  set isSurveyed(surveyed: boolean) {
    this.#words[headerWord.surveyed] = Number(surveyed);
  }

  readonly nextNodeId = (): NodeId => this.#next(headerDouble.nextNodeId) as NodeId;
  readonly nextHandleId = (): HandleId => this.#next(headerDouble.nextHandleId) as HandleId;

  /** Inode handles are for the mount of the data directory; files of other mounts have to be kept open. */
  useMountOf(rootFd: number): void {
    this.#mountId = canOpenByHandle(rootFd, this.#inodeHandle) ? readInodeHandle(rootFd, this.#inodeHandle) : -1;
  }

  readonly nodeStore: NodeStore = {
    add: (id, fd, isDirectory) => {
      const handle = this.#inodeHandle;
      const hasHandle = this.#mountId >= 0 && readInodeHandle(fd, handle) === this.#mountId;
      const slot = this.nodes.add(id, isDirectory, handle);
      if (!hasHandle) this.nodeStore.keep(slot, id, fd);
      return slot;
    },
    setLookups: (slot, lookups) => this.nodes.setLookups(slot, lookups),
    setBackingId: (slot, backingId) => this.nodes.setBackingId(slot, backingId),
    setFolder: (slot, folder) => this.nodes.setFolder(slot, folder),
    hasRoom: () => this.#hasRoom(this.nodes.hasRoom, 'nodes'),
    letGo: (id) => this.descriptors.letGo(id),
    keep: (slot, id, fd) => {
      if (!this.descriptors.has('node', id)) this.descriptors.keep('node', id, fd);
      this.nodes.setKept(slot);
    },
    remove: (slot, id) => {
      if (this.nodes.isKept(slot)) this.descriptors.forget('node', id);
      this.nodes.remove(slot);
      this.descriptors.letGo(id);
    },
  };

  readonly handleStore: HandleStore = {
    // Named one by one: a rest and a spread cost more than everything else here.
    add: ({ id, node, access, isDirect, pid, openedS, unique }) =>
      this.handles.add({ id, nodeId: node.id, access, isDirect, pid, openedS, unique }),
    remove: (slot) => this.handles.remove(slot),
    hasRoom: () => this.#hasRoom(this.handles.hasRoom, 'handles'),
  };

  #hasRoom(hasRoom: boolean, section: SectionName): boolean {
    if (!hasRoom) this.full.refused(section);
    return hasRoom;
  }

  #begin(): void {
    this.#words[headerWord.version] = layoutVersion;
    this.#doubles[headerDouble.nextNodeId] = rootNodeId + 1;
    this.#doubles[headerDouble.nextHandleId] = 1;
    Atomics.store(this.#words, headerWord.magic, magic);
  }

  #next(counter: number): number {
    const id = this.#doubles[counter] ?? 0;
    this.#doubles[counter] = id + 1;
    return id;
  }

  #word(name: keyof typeof headerWord): number {
    return this.#words[headerWord[name]] ?? 0;
  }
}
