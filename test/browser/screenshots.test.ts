// The pictures of the pages: the sample shop in every view, on a screen and on a phone, light and dark. `npm run
// screenshots` writes them into docs/screenshots; without it the same views are only visited.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { type Screen, type Studio, screens, browserTest as test, withStudio } from '../helpers/browser.ts';
import { withPalette } from '../helpers/palette-png.ts';
import { withClients } from '../helpers/sqlite-client.ts';

const folder = resolve(import.meta.dirname, '../../docs/screenshots');

interface View {
  readonly name: string;
  readonly address: string;
  readonly show: (page: Page) => Promise<unknown>;
}

const query = `-- The ten best customers
SELECT name, round(spent) AS spent
FROM best_customers
ORDER BY spent DESC
LIMIT 10;`;

const views: readonly View[] = [
  {
    name: 'tables',
    address: '#/tables?db=shop.db&table=orders',
    show: async (page) => {
      await page
        .getByText(/^(about )?[\d,]+ rows$/)
        .first()
        .waitFor();
      await page.getByText('paid', { exact: true }).first().waitFor();
    },
  },
  {
    name: 'sql',
    address: `#/sql?db=shop.db&sql=${encodeURIComponent(query)}`,
    show: async (page) => {
      await page.locator('.cm-content').waitFor();
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.getByRole('tab', { name: 'Chart' }).click();
      await page.locator('.chart-drawing canvas').waitFor();
    },
  },
  {
    name: 'key-history',
    address: '#/keys?db=shop.db&key=config/theme',
    show: async (page) => {
      await page.locator('.history-entry').nth(1).click();
      await page.getByRole('tab', { name: 'Its change' }).click();
      await page.locator('.diff-line.is-added').first().waitFor();
    },
  },
];

const locks: View = {
  name: 'locks',
  address: '#/locks?db=shop.db',
  show: (page) => page.locator('.chain-node.is-waits').nth(1).waitFor(),
};

const isWriting = Boolean(process.env.HOODY_SQLITE_SCREENSHOTS);

/** @returns the bytes of all pictures */
async function visit({ open }: Studio, wanted: readonly View[]): Promise<number> {
  let bytes = 0;
  for (const screen of screens) {
    for (const view of wanted) {
      let page: Page | undefined;
      for (const colorScheme of ['light', 'dark'] as const) {
        // A chart keeps the colours in which it was drawn; for a picture that nobody sees they are good enough.
        if (page === undefined || isWriting) page = await openView(open, view, screen, colorScheme);
        else await page.emulateMedia({ colorScheme });
        const picture = withPalette(await page.screenshot({ animations: 'disabled', caret: 'hide' }));
        bytes += picture.length;
        if (isWriting) writeFileSync(join(folder, `${view.name}-${screen.name}-${colorScheme}.png`), picture);
      }
      await page?.context().close();
    }
  }
  return bytes;
}

async function openView(
  open: Studio['open'],
  { address, show }: View,
  { name, viewport }: Screen,
  colorScheme: 'light' | 'dark',
): Promise<Page> {
  const size = name === 'desktop' ? { width: 1200, height: 750 } : viewport;
  const page = await open(address, { viewport: size, colorScheme, reducedMotion: 'reduce' });
  await show(page);
  if (name === 'desktop') await page.getByRole('link', { name: 'order_items' }).waitFor();
  await page.mouse.move(0, 0);
  return page;
}

test('the views of the sample shop have their pictures, which are small', () =>
  withStudio(async (studio) => {
    mkdirSync(folder, { recursive: true });
    const { daemon } = studio;
    expect((await fetch(`${daemon.url}/api/v1/sqlite/studio/sample?db=shop`, { method: 'POST' })).status).toBe(201);
    const bytes = await visit(studio, views);
    await withClients(async (start) => {
      const [holder, first, second] = [start(), start(), start()];
      for (const client of [holder, first, second]) await client.open(join(daemon.mount, 'shop.db'), { timeout: 110 });
      await holder.run(['BEGIN IMMEDIATE', "UPDATE orders SET status = 'sent' WHERE id = 1"]);
      const waits = [first, second].map((client) =>
        client.run('UPDATE products SET in_stock = in_stock - 1 WHERE id = 2'),
      );
      expect(bytes + (await visit(studio, [locks]))).toBeLessThan(700_000);
      await holder.run('ROLLBACK');
      await Promise.all(waits);
    });
  }));
