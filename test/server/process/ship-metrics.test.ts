import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { ShipMetrics } from '../../../server/process/ship-metrics.ts';

const figures = {
  databases: 2,
  lagBytes: 8192,
  lagMs: 1500,
  filesWritten: 3,
  bytesWritten: 4000,
  errors: 1,
  isFailing: true,
};

test('where nothing is shipped there are no metrics of it, and afterwards the newest figures', async () => {
  const registry = new Registry();
  const metrics = new ShipMetrics(registry);
  metrics.show(null);
  expect(await registry.metrics()).toBe('\n');
  metrics.show({ ...figures, filesWritten: 9 });
  metrics.show(figures);
  metrics.show(null);
  const lines = (await registry.metrics()).split('\n').filter((line) => /^[^#]/.test(line));
  expect(lines.sort()).toEqual([
    'hoody_sqlite_ship_bytes_total 4000',
    'hoody_sqlite_ship_databases 2',
    'hoody_sqlite_ship_errors_total 1',
    'hoody_sqlite_ship_failing 1',
    'hoody_sqlite_ship_files_total 3',
    'hoody_sqlite_ship_lag_bytes 8192',
    'hoody_sqlite_ship_lag_seconds 1.5',
  ]);
});
