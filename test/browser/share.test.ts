// Share links as their makers and their holders see them: Debian's Chromium over a real daemon with a token file.
import { expect } from 'vitest';
import { axeFindings, screens, browserTest as test } from '../helpers/browser.ts';
import { call, withTokens } from '../helpers/studio-tokens.ts';

const query = 'SELECT name, spent FROM best_customers LIMIT 10';

test('a chart is shared in a few clicks, opens in a clean profile without a token, and is revoked', () =>
  withTokens(async (studio) => {
    expect((await call(studio, 'POST', 'studio/sample?db=shop')).status).toBe(201);
    const page = await studio.open(`#/sql?db=shop&sql=${encodeURIComponent(query)}`);
    await page.getByLabel('Token').fill('writer');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.locator('.cm-content').waitFor();
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('tab', { name: 'Chart' }).click();
    await page.locator('.chart-drawing canvas').waitFor();
    await page.getByTitle('Share this view').click();
    await page.getByLabel('Title').fill('Ten best customers');
    await page.getByRole('button', { name: 'Make the link' }).click();
    const link = await page.getByLabel('Link', { exact: true }).inputValue();
    expect(await axeFindings(page)).toEqual([]);

    const guest = await studio.open(new URL(link).hash);
    await guest.getByRole('heading', { name: 'Ten best customers' }).waitFor();
    await guest.locator('.chart-drawing canvas').waitFor();
    await guest.getByRole('tab', { name: /Rows/ }).click();
    expect(await guest.getByRole('gridcell').count()).toBeGreaterThanOrEqual(10);
    expect(await guest.getByRole('button', { name: /Edit|Run|Share/ }).count()).toBe(0);
    expect(studio.daemon.stdout() + studio.daemon.stderr()).not.toContain(link.split('share=')[1]);

    // One page shows both, and its Back leads from one to the other.
    await page.goto(link);
    await page.getByRole('heading', { name: 'Ten best customers' }).waitFor();
    await page.goBack();
    await page.getByLabel('Token').fill('writer');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.locator('.cm-content').waitFor();

    await page.goto(`${studio.daemon.url}/#/shares`);
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('No links').waitFor();
    await guest.reload();
    await guest.getByText('This link shows nothing any more').waitFor();
  }));

test('tables and keys are shared as they are shown; axe finds nothing on any screen', () =>
  withTokens(async (studio) => {
    await call(studio, 'POST', 'studio/sample?db=shop');
    const links: string[] = [];
    for (const view of [
      { kind: 'table', table: 'customers', columns: ['name', 'town'] },
      { kind: 'key', table: 'kv_store', key: 'config/theme', history: true },
      { kind: 'sql', sql: query, chart: 'bar:name:spent' },
    ]) {
      const response = await call(studio, 'POST', 'studio/shares', { db: 'shop', title: `A ${view.kind}`, view });
      links.push(`#share=${((await response.json()) as { token: string }).token}`);
    }
    const [table = '', key = '', chart = ''] = links;
    for (const { name, viewport } of screens) {
      const rows = await studio.open(table, { viewport });
      await rows
        .getByRole('gridcell', { name: /Lovelace|Hopper|Turing/ })
        .first()
        .waitFor();
      expect(await axeFindings(rows), `table, ${name}`).toEqual([]);
      const value = await studio.open(key, { viewport });
      await value.getByText('"dark"').waitFor();
      await value.getByRole('button', { name: /v1/ }).last().click();
      await value.getByText('"teal"').waitFor();
      expect(await axeFindings(value), `key, ${name}`).toEqual([]);
      const drawn = await studio.open(chart, { viewport });
      await drawn.locator('.chart-drawing canvas').waitFor();
      expect(await axeFindings(drawn), `chart, ${name}`).toEqual([]);
      if (process.env.SHOTS) {
        await rows.screenshot({ path: `${process.env.SHOTS}/shared-table-${name}.png` });
        await value.screenshot({ path: `${process.env.SHOTS}/shared-key-${name}.png` });
        await drawn.screenshot({ path: `${process.env.SHOTS}/shared-chart-${name}.png` });
      }
    }
  }));
