// Does steps to the real store and to the model, and has the two compared after each.

import { kvRollback } from '../../server/executor/kv/past/history.ts';
import {
  kvPlanTableRollback,
  kvTableRollback,
  kvTableRollbackPreview,
} from '../../server/executor/kv/past/table-rollback.ts';
import { kvIncrement, kvPop, kvPush } from '../../server/executor/kv/store/atomic.ts';
import { kvBatchDelete, kvBatchSet } from '../../server/executor/kv/store/batch.ts';
import { kvExpire } from '../../server/executor/kv/store/store.ts';
import { kvRetain } from '../../server/executor/kv/upkeep/retention.ts';
import type { Progress } from '../../server/messages/operations/kv-upkeep.ts';
import { TestStore } from '../helpers/kv-store.ts';
import { Model, Refused, type State } from './model.ts';
import { Comparison } from './model-comparison.ts';
import type { Step } from './model-steps.ts';

const table = 'kv_store';
const json = 'application/json';
const octets = 'application/octet-stream';
const text = 'text/plain';

/** Does the steps to both and compares after each. @throws the first difference */
export function runSteps(steps: readonly Step[]): void {
  const run = new Run();
  try {
    for (const one of steps) run.step(one);
    run.comparison.look(0, 1000);
  } finally {
    run.store.close();
  }
}

class Run {
  readonly store = new TestStore();
  readonly model = new Model(this.store.now);
  readonly comparison = new Comparison(this.store, this.model);
  readonly #start = this.store.now;
  /** By settings: a server never changes its own. */
  readonly #progress = new Map<string, Progress>();

  constructor() {
    this.store.set('first', '1');
    this.model.write('first', 'SET', 'set', { value: '1', type: json, expireAt: null });
    this.comparison.feed('in order');
  }

  step(one: Step): void {
    const { store, model } = this;
    switch (one.do) {
      case 'set': {
        store.set(one.key, one.value, { ttlSeconds: one.ttl, history: one.recorded });
        model.endOver(one.key);
        const type = one.value === 'words' ? octets : json;
        const expireAt = one.ttl === 0 ? null : model.now + one.ttl;
        model.write(one.key, 'SET', 'set', { value: one.value, type, expireAt }, one.recorded);
        break;
      }
      case 'delete':
        this.#edit(
          one.key,
          one.recorded,
          'DELETE',
          () => store.delete(one.key, one.recorded),
          (now) => {
            if (now === null) throw new Refused('KEY_NOT_FOUND');
            return null;
          },
        );
        break;
      case 'incr':
        this.#edit(
          one.key,
          one.recorded,
          'INCR',
          () => store.run(kvIncrement, this.#args(one, { op: 'INCR' as const, delta: 3n })),
          (now) => {
            if (now === null) return { value: '3', type: text, expireAt: null };
            if (!/^-?\d+$/.test(now.value)) throw new Refused('INVALID_PARAMETERS');
            return { ...now, value: String(Number(now.value) + 3) };
          },
        );
        break;
      case 'push':
        this.#edit(
          one.key,
          one.recorded,
          'PUSH',
          () => store.run(kvPush, this.#args(one, { body: Buffer.from('7'), isRaw: false })),
          (now) => this.#editList(now ?? { value: '[]', type: json, expireAt: null }, (list) => list.push(7)),
        );
        break;
      case 'pop':
        this.#edit(
          one.key,
          one.recorded,
          'POP',
          () => store.run(kvPop, this.#args(one, {})),
          (now) => {
            if (now === null) throw new Refused('KEY_NOT_FOUND');
            return this.#editList(now, (list) => {
              if (list.length === 0) throw new Refused('KEY_NOT_FOUND');
              list.pop();
            });
          },
        );
        break;
      case 'expire':
        this.#expire(one);
        break;
      case 'batch':
        this.#batch(one.value, one.recorded);
        break;
      case 'native':
        this.#native(one);
        break;
      case 'wait':
        this.#wait(one.seconds);
        break;
      case 'long-wait':
        this.#wait(25 * 3600);
        break;
      case 'rollback':
        this.comparison.same(
          () => store.run(kvRollback, store.write(one.key, { steps: one.steps })).json.rolled_back,
          () => model.rollback(one.key, one.steps),
        );
        break;
      case 'return':
        this.#return(Math.max(this.#start, model.now - one.ago));
        break;
      case 'sweep':
        this.#retain(0, 0);
        model.sweep();
        break;
      case 'prune':
        this.#retain(one.age, one.ops);
        model.sweep();
        model.prune(one.age, one.ops);
        break;
      case 'look':
        this.comparison.look(model.now - one.ago, one.span);
        break;
    }
    this.comparison.now();
  }

  #args<More extends object>(one: { key: string; recorded: boolean }, more: More) {
    return { ...this.store.write(one.key, more), history: one.recorded };
  }

  /** An operation that reads, changes and writes one key; both refuse it with the same code, or both do it. */
  #edit(
    name: string,
    isRecorded: boolean,
    op: string,
    real: () => unknown,
    change: (now: State | null) => State | null,
  ): void {
    this.comparison.same(
      () => void real(),
      () => {
        const next = change(this.model.live(name));
        this.model.endOver(name);
        this.model.write(name, op, next === null ? 'delete' : 'set', next, isRecorded);
      },
    );
  }

  #editList(now: State, edit: (list: unknown[]) => void): State {
    const list = now.value === 'words' ? null : (JSON.parse(now.value) as unknown);
    if (!Array.isArray(list)) throw new Refused('INVALID_PARAMETERS');
    edit(list);
    return { ...now, value: JSON.stringify(list), type: json };
  }

  #expire(one: { key: string; ttl: number | null; recorded: boolean }): void {
    this.comparison.same(
      () => void this.store.run(kvExpire, this.#args(one, { ttlSeconds: one.ttl })),
      () => {
        const now = this.model.live(one.key);
        if (now === null) throw new Refused('KEY_NOT_FOUND');
        if (one.ttl === null && now.expireAt === null) return;
        const expireAt = one.ttl === null ? null : this.model.now + one.ttl;
        this.model.write(one.key, one.ttl === null ? 'PERSIST' : 'EXPIRE', 'ttl', { ...now, expireAt }, one.recorded);
      },
    );
  }

  #batch(newValue: string, isRecorded: boolean): void {
    const { store, model } = this;
    const common = { table, history: isRecorded, clientIp: '10.0.0.1' };
    const items = [
      { key: 'a', value: newValue, content_type: text },
      { key: 'b', value: newValue, content_type: text },
    ];
    store.run(kvBatchSet, { ...common, body: Buffer.from(JSON.stringify({ items })) });
    store.run(kvBatchDelete, { ...common, body: Buffer.from('{"keys":["b"]}') });
    for (const name of ['a', 'b']) {
      model.endOver(name);
      model.write(name, 'SET', 'set', { value: newValue, type: text, expireAt: null }, isRecorded);
    }
    model.write('b', 'DELETE', 'delete', null, isRecorded);
  }

  #native(one: Extract<Step, { do: 'native' }>): void {
    const { native } = this.store;
    const { model } = this;
    const row = model.row(one.key);
    const fresh: State = { value: one.value, type: text, expireAt: null };
    const put = (next: State) => model.write(one.key, 'SET', 'set', next);
    switch (one.how) {
      case 'update':
        native.prepare('UPDATE kv_store SET value = ? WHERE key = ?').run(one.value, one.key);
        if (row !== null) put({ ...row, value: one.value });
        break;
      case 'replace':
        native.prepare('REPLACE INTO kv_store (key, value) VALUES (?, ?)').run(one.key, one.value);
        put(fresh);
        break;
      case 'ignore':
        native.prepare('INSERT OR IGNORE INTO kv_store (key, value) VALUES (?, ?)').run(one.key, one.value);
        if (row === null) put(fresh);
        break;
      case 'upsert':
        native
          .prepare(
            'INSERT INTO kv_store (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
          )
          .run(one.key, one.value);
        put(row === null ? fresh : { ...row, value: one.value });
        break;
      case 'delete': {
        native.prepare('DELETE FROM kv_store WHERE key = ?').run(one.key);
        const isOver = row?.expireAt != null && row.expireAt < model.now;
        if (row !== null) model.write(one.key, isOver ? 'EXPIRED' : 'DELETE', isOver ? 'expire' : 'delete', null);
        break;
      }
      case 'rename': {
        if (one.key === one.other || row === null) break;
        native.prepare('UPDATE OR REPLACE kv_store SET key = ? WHERE key = ?').run(one.other, one.key);
        const isOver = row.expireAt !== null && row.expireAt < model.now;
        model.write(one.key, isOver ? 'EXPIRED' : 'DELETE', isOver ? 'expire' : 'delete', null);
        model.write(one.other, 'SET', 'set', row);
        break;
      }
      case 'ttl': {
        const expireAt = model.now + 4;
        native.prepare('UPDATE kv_store SET expire_at = ? WHERE key = ?').run(expireAt, one.key);
        if (row === null) break;
        const isSameTtl = row.expireAt === expireAt;
        model.write(one.key, isSameTtl ? 'SET' : 'EXPIRE', isSameTtl ? 'set' : 'ttl', { ...row, expireAt });
        break;
      }
      case 'abandoned':
        native.exec('BEGIN; DELETE FROM kv_store; ROLLBACK');
        break;
    }
  }

  #wait(seconds: number): void {
    this.store.advance(seconds);
    this.model.now = this.store.now;
  }

  #return(toSeconds: number): void {
    const { store, model } = this;
    const args = { table, history: true, clientIp: '10.0.0.1', toSeconds, keys: [], excludeKeys: [] };
    const plan = () => model.planRollback(toSeconds, this.comparison.forgottenAt());
    this.comparison.same(
      () => {
        const { preview } = store.run(kvTableRollbackPreview, args).json;
        return (preview.changes ?? []).map((change: { key: string }) => change.key).sort();
      },
      () => [...plan().keys()].sort(),
    );
    this.comparison.same(
      () => void store.run(kvTableRollback, { ...args, plan: store.call(kvPlanTableRollback, args) }),
      () => {
        for (const [name, target] of plan()) {
          model.endOver(name);
          if (target === null) model.write(name, 'DELETE', 'delete', null);
          else model.write(name, 'SET', 'set', target);
        }
      },
      // The order in which a rollback writes its keys is its own.
      'sorted',
    );
  }

  #retain(maxAgeSeconds: number, maxOps: number): void {
    const settings = `${maxAgeSeconds} ${maxOps}`;
    let progress = this.#progress.get(settings) ?? {};
    for (let hasMore = true; hasMore; ) {
      ({ progress, hasMore } = this.store.call(kvRetain, { maxAgeSeconds, maxOps, progress }));
    }
    // A store that was restarted begins anew: both ways must do.
    this.#progress.set(settings, this.model.now % 2 === 0 ? progress : {});
    for (const [name] of this.model.keys) {
      const known = this.store.native.prepare('SELECT 1 FROM "hoody:kv_keys:kv_store" WHERE key = ?').get(name);
      if (known === undefined) this.model.forget(name);
    }
  }
}
