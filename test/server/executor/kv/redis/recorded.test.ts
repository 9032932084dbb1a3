// Random sequences of commands are answered as a real Redis has answered them: results, errors, and which of several
// errors comes first (recorded.jsonl, of Redis 7.0.15; record.ts made it). One by one, and as one transaction.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { redisWrite } from '../../../../../server/executor/kv/redis/commands.ts';
import { type Json, parseJson } from '../../../../../server/messages/json.ts';
import { redisCommandProblem } from '../../../../../server/messages/redis-commands.ts';
import { type TestStore, table, withStore } from '../../../../helpers/kv-store.ts';
import { ordered } from './random-commands.ts';

type Command = readonly string[];

const sequences = readFileSync(join(import.meta.dirname, 'recorded.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as [Command, unknown][]);

interface Item {
  readonly result?: Json;
  readonly error?: string;
}

function run(store: TestStore, commands: readonly Command[]): Item[] {
  const answer = store.run(redisWrite, { table, clientIp: '10.0.0.7', commands, isBase64: false });
  return parseJson(`[${answer.text}]`) as Item[];
}

function shown(name: string, { result, error }: Item): unknown {
  const asText = (value: Json | undefined): unknown =>
    Array.isArray(value) ? value.map(asText) : (value ?? null) === null ? null : String(value);
  return error === undefined ? ordered(name, asText(result)) : `!${error}`;
}

test('one by one', () => {
  expect(sequences.length).toBeGreaterThan(150);
  withStore((store) => {
    for (const sequence of sequences) {
      run(store, [['flushdb']]);
      const answers = sequence.map(([command, recorded]) => {
        const problem = redisCommandProblem(command);
        const [item = {}] = problem === null ? run(store, [command]) : [{ error: problem }];
        return { command, recorded, answer: shown(command[0] ?? '', item) };
      });
      const wrong = answers.find(({ recorded, answer }) => JSON.stringify(recorded) !== JSON.stringify(answer));
      expect(wrong, JSON.stringify(answers)).toBe(undefined);
    }
  });
});

test('as one transaction', () => {
  withStore((store) => {
    for (const sequence of sequences) {
      run(store, [['flushdb']]);
      const commands = sequence.map(([command]) => command);
      if (commands.some((command) => redisCommandProblem(command) !== null)) continue;
      const answers = run(store, commands).map((item, at) => shown(commands[at]?.[0] ?? '', item));
      expect(answers).toEqual(sequence.map(([, recorded]) => recorded));
    }
  });
});
