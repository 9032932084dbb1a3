// Work that waits for its turn: at most so many at once under one name.
export class Turns {
  readonly #most: number;
  readonly #waiting = new Map<string, { running: number; readonly queue: (() => void)[] }>();

  constructor(most: number) {
    this.#most = most;
  }

  async run<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const turn = this.#waiting.get(name) ?? { running: 0, queue: [] };
    this.#waiting.set(name, turn);
    if (turn.running >= this.#most) await new Promise<void>((resolve) => turn.queue.push(resolve));
    else turn.running += 1;
    try {
      return await work();
    } finally {
      const next = turn.queue.shift();
      if (next !== undefined) next();
      else turn.running -= 1;
      if (turn.running === 0) this.#waiting.delete(name);
    }
  }
}
