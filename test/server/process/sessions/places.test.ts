// Who gets a place for a transaction that goes on between requests, and what a silent one is told.
import { describe, expect, test } from 'vitest';
import { limits } from '../../../../server/messages/limits.ts';
import { type Place, Places } from '../../../../server/process/sessions/places.ts';
import { pressureOf, type Session, whyToEnd } from '../../../../server/process/sessions/session.ts';

const { sessions: most, sessionsPerDatabase: mostOfDatabase } = limits;

/** Places, and who has got one, by name in the order of getting. */
function start() {
  const places = new Places();
  const got: string[] = [];
  const held = new Map<string, Place>();
  const giveTo = (name: string) => (place: Place) => {
    got.push(name);
    held.set(name, place);
  };
  const placeOf = (name: string): Place => {
    const place = held.get(name);
    if (place === undefined) throw new Error(`${name} has no place`);
    return place;
  };
  return {
    places,
    got,
    placeOf,
    ask: (name: string, path: string, writes = false) => places.ask(path, writes, giveTo(name)),
    askToWrite: (name: string) => places.askToWrite(placeOf(name), giveTo(name)),
    leave: (name: string) => places.leave(placeOf(name)),
  };
}

describe('places', () => {
  test('a database has four, of which one writes; others wait in their order', () => {
    const { got, ask, leave, places, placeOf } = start();
    ask('writer', 'a', true);
    ask('second writer', 'a', true);
    for (let at = 1; at < mostOfDatabase; at += 1) ask(`reader ${at}`, 'a');
    ask('late reader', 'a');
    expect(mostOfDatabase).toBe(4);
    expect(got).toEqual(['writer', 'reader 1', 'reader 2', 'reader 3']);
    expect([places.isWaitedFor(placeOf('writer')), places.isWaitedFor(placeOf('reader 1'))]).toEqual([true, true]);
    leave('reader 1');
    expect(got.slice(4)).toEqual(['late reader']); // the second writer waits for the writer, not for a place
    leave('writer');
    expect(got.slice(5)).toEqual(['second writer']);
    expect(places.isWaitedFor(placeOf('second writer'))).toBe(false);
  });

  test('a database whose places are taken keeps nobody from another one, until there are no more at all', () => {
    const { got, ask, leave } = start();
    for (let at = 0; at < mostOfDatabase; at += 1) ask(`a${at}`, 'a');
    ask('waits', 'a');
    for (let at = mostOfDatabase; at < most; at += 1) ask(`b${at}`, 'b');
    ask('also waits', 'c', true);
    expect(got).toHaveLength(most);
    leave('b5');
    expect(got.at(-1)).toBe('also waits');
    leave('a0');
    expect(got.at(-1)).toBe('waits');
  });

  test('a reader becomes the writer where there is none, or when it has gone', () => {
    const { got, ask, askToWrite, leave, places, placeOf } = start();
    ask('first', 'a');
    ask('second', 'a');
    expect(places.upgrade(placeOf('first'))).toBe(true);
    expect(places.upgrade(placeOf('second'))).toBe(false);
    askToWrite('second');
    expect([got.length, places.isWaitedFor(placeOf('first'))]).toEqual([2, true]);
    leave('first');
    expect([got.at(-1), placeOf('second').writes]).toEqual(['second', true]);
  });

  test('whoever gives up waiting is passed by, and leaving twice frees one place', () => {
    const { got, ask, leave } = start();
    ask('writer', 'a', true);
    const giveUp = ask('gives up', 'a', true);
    ask('waits', 'a', true);
    giveUp();
    leave('writer');
    leave('writer');
    expect(got).toEqual(['writer', 'waits']);
  });
});

describe('a silent session', () => {
  const session = { idleSinceMs: 0, ending: null } as Session;
  const alone = { isWaitedFor: false, longestWaitMs: 0 };
  const waitedFor = { isWaitedFor: true, longestWaitMs: 0 };

  test('ends after 2 s while somebody waits, after 10 s in any case, and whatever it does after a wait of 4 s', () => {
    expect(whyToEnd(session, waitedFor, 1_999)).toBe(null);
    expect(whyToEnd(session, waitedFor, 2_000)).toMatch(/nothing was heard of it for 2000 ms, and others waited/);
    expect(whyToEnd(session, alone, 9_999)).toBe(null);
    expect(whyToEnd(session, alone, 10_000)).toMatch(/nothing was heard of it for 10000 ms/);
    expect(whyToEnd(session, { isWaitedFor: true, longestWaitMs: 3_999 }, 10)).toBe(null);
    expect(whyToEnd(session, { isWaitedFor: true, longestWaitMs: 4_000 }, 10)).toMatch(/others waited for it for 4000/);
    expect(whyToEnd({ ...session, idleSinceMs: null }, waitedFor, 60_000)).toBe(null);
  });

  test('is waited for by those whom its executor blocks, but for the upkeep of the server', () => {
    const waits = [
      { pid: 1, waitMs: 50, blockedBy: [7] },
      { pid: 2, waitMs: 900, blockedBy: [7, 8] },
      { pid: 3, waitMs: 5_000, blockedBy: [8] },
    ];
    expect(pressureOf(waits, 7, [])).toEqual({ isWaitedFor: true, longestWaitMs: 900 });
    expect(pressureOf(waits, 7, [1, 2])).toEqual(alone);
  });
});
