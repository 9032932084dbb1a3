// The names of the databases that are fenced, as they are written to the surviving memory: latin1 strings, which keep
// every byte.
import type { FenceStore } from '../fence/fence.ts';
import { fenceSection } from './layout.ts';
import { NO_SLOT, Slots } from './slots.ts';

const lengthWord = 1;
const nameByte = 8;
const longestNameBytes = fenceSection.slotBytes - nameByte;

export function fenceSlots(memory: ArrayBuffer): FenceStore {
  const slots = new Slots(memory, fenceSection);
  const slotOf = new Map<string, number>();
  for (const slot of slots.used()) {
    const from = slots.byte(slot) + nameByte;
    const length = slots.words[slots.word(slot) + lengthWord] ?? 0;
    slotOf.set(Buffer.from(slots.bytes.subarray(from, from + length)).toString('latin1'), slot);
  }
  return {
    names: () => [...slotOf.keys()],
    add: (name) => {
      const bytes = Buffer.from(name, 'latin1');
      const slot = bytes.length > longestNameBytes ? NO_SLOT : slots.allocate();
      if (slot === NO_SLOT) return false;
      slots.words[slots.word(slot) + lengthWord] = bytes.length;
      slots.bytes.set(bytes, slots.byte(slot) + nameByte);
      slots.commit(slot);
      slotOf.set(name, slot);
      return true;
    },
    remove: (name) => {
      slots.release(slotOf.get(name) ?? NO_SLOT);
      slotOf.delete(name);
    },
  };
}
