// Records what a real Redis answers to random commands, for recorded.jsonl: compile it with tsc, and run it with the
// path of a socket (redis-server --unixsocket SOCKET --port 0 --save ''). It empties that Redis. Each line is a
// sequence of pairs: a command, and its answer as text.
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { ordered, sequences } from './random-commands.ts';

const sequencesKept = 200;

/** Replies of the protocol RESP 2, as texts; an error is `!` and its text. */
class Redis {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake = () => {};

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
  }

  async call(command: readonly string[]): Promise<unknown> {
    const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.#socket.write(`*${words.length}\r\n${words.join('')}`);
    for (;;) {
      const reply = this.#reply(0);
      if (reply !== null) {
        this.#received = this.#received.subarray(reply.end);
        return reply.value;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  end(): void {
    this.#socket.destroy();
  }

  #reply(at: number): { readonly value: unknown; readonly end: number } | null {
    const lineEnd = this.#received.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const kind = String.fromCharCode(this.#received[at] ?? 0);
    const line = this.#received.toString('utf8', at + 1, lineEnd);
    let end = lineEnd + 2;
    if (kind === '-') return { value: `!${line}`, end };
    if (kind === '+' || kind === ':') return { value: line, end };
    const length = Number(line);
    if (length < 0) return { value: null, end };
    if (kind === '$') {
      const value = this.#received.toString('utf8', end, end + length);
      return this.#received.length < end + length + 2 ? null : { value, end: end + length + 2 };
    }
    const values: unknown[] = [];
    for (let left = length; left > 0; left -= 1) {
      const part = this.#reply(end);
      if (part === null) return null;
      values.push(part.value);
      end = part.end;
    }
    return { value: values, end };
  }
}

const redis = new Redis(process.argv[2] ?? '');
for (const sequence of fc.sample(sequences, sequencesKept)) {
  await redis.call(['FLUSHALL']);
  const pairs: unknown[] = [];
  for (const command of sequence) pairs.push([command, ordered(command[0] ?? '', await redis.call(command))]);
  process.stdout.write(`${JSON.stringify(pairs)}\n`);
}
redis.end();
