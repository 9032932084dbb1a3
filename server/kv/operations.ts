// Every operation of the key-value store, for the executor's table.
import type { AnyOperation } from '../executors/operation.ts';

export const kvOperations: readonly AnyOperation[] = [];
