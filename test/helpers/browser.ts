// Debian's Chromium, driven over a real daemon: opens the studio at any size and colour scheme, collects what the page
// complains about, and asks axe what is wrong with it.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core';
import { afterAll, test as anyTest, beforeAll, expect } from 'vitest';
import { type Daemon, withDaemon } from './daemon.ts';
import { eventually } from './eventually.ts';

const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Tests of the page are skipped without it, by `browserTest` or `describe.skipIf(!hasChromium)`. */
export const hasChromium = existsSync(chromiumPath);
export const browserTest = anyTest.skipIf(!hasChromium);

export interface Screen {
  readonly name: 'desktop' | 'phone';
  readonly viewport: { readonly width: number; readonly height: number };
}

const desktop = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };

/** Every view is looked at on these. */
export const screens: readonly Screen[] = [
  { name: 'desktop', viewport: desktop },
  { name: 'phone', viewport: phone },
];

export interface Studio {
  readonly daemon: Daemon;
  /** Opens a new page in a clean profile. `address` begins with #, as `#/keys?db=app.db`. */
  open(address: string, options?: BrowserContextOptions): Promise<Page>;
}

/** Runs `test` with a daemon and profiles of its own. Whatever a page logs as an error makes the test fail. */
export function withStudio<Result>(
  test: (studio: Studio) => Promise<Result>,
  flags: readonly string[] = ['--create-on-write'],
): Promise<Result> {
  return withDaemon(flags, (daemon) =>
    withBrowser((openUrl) =>
      test({ daemon, open: (address, options) => openUrl(`${daemon.url}/${address}`, options) }),
    ),
  );
}

/**
 * One daemon for all tests of a file, from its first test to its last: the function runs a test with it, closes the
 * test's pages and deletes its databases.
 */
export function studioOfFile(): (test: (studio: Studio) => Promise<unknown>) => Promise<void> {
  let studio: Studio | undefined;
  let finish = () => {};
  let finished: Promise<void> | undefined;
  beforeAll(async () => {
    const isOver = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await new Promise<void>((resolve, reject) => {
      finished = withStudio((started) => {
        studio = started;
        resolve();
        return isOver;
      });
      finished.catch(reject);
    });
  });
  afterAll(async () => {
    finish();
    await finished;
  });
  return async (test) => {
    if (studio === undefined) throw new Error('the daemon of this file did not start');
    const { daemon, open } = studio;
    const pages: Page[] = [];
    try {
      await test({
        daemon,
        open: async (...args) => {
          const page = await open(...args);
          pages.push(page);
          return page;
        },
      });
    } finally {
      for (const page of pages) await page.context().close();
      await deleteAll(daemon);
    }
  };
}

async function deleteAll({ url }: Daemon): Promise<void> {
  const api = `${url}/api/v1/sqlite`;
  const { databases } = (await (await fetch(`${api}/db/list`)).json()) as { databases: { name: string }[] | null };
  for (const { name } of databases ?? []) {
    const call = () => fetch(`${api}/db?db=${encodeURIComponent(name)}`, { method: 'DELETE' });
    await eventually(async () => expect((await call()).status).toBe(200));
  }
}

/** Opens an absolute URL in a clean profile. */
export type OpenUrl = (url: string, options?: BrowserContextOptions) => Promise<Page>;

/** One for all tests of a file: what keeps them apart are the profiles, and a start takes half a second. */
let browser: Browser | undefined;
afterAll(async () => {
  await browser?.close();
});

/** A browser alone, for tests that start and end daemons themselves. */
export async function withBrowser<Result>(test: (open: OpenUrl) => Promise<Result>): Promise<Result> {
  if (!browser?.isConnected()) {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  }
  const running = browser;
  const profiles: BrowserContext[] = [];
  const complaints: string[] = [];
  try {
    const result = await test(async (url, options = {}) => {
      const profile = await running.newContext({ viewport: desktop, locale: 'en-GB', ...options });
      profiles.push(profile);
      return openPage(profile, url, complaints);
    });
    expect(complaints).toEqual([]);
    return result;
  } finally {
    for (const profile of profiles) await profile.close();
  }
}

async function openPage(profile: BrowserContext, url: string, complaints: string[]): Promise<Page> {
  const page = await profile.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => complaints.push(`${error.stack}`));
  page.on('console', (message) => {
    // A refused request is logged by the browser itself; what the page makes of it is for the tests.
    const isRefusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefusal) complaints.push(message.text());
  });
  await page.goto(url);
  return page;
}

/** Whoever types without it loses the first keys: a page moves the focus a moment after a click. */
export async function untilFocused(field: Locator): Promise<void> {
  await eventually(async () => expect(await field.evaluate((node) => node.matches(':focus'))).toBe(true));
}

/** A message in the corner of the page. Screen readers hear the same text from an element of its own. */
export function message(page: Page, text: string): Locator {
  return page.getByRole('region', { name: 'Messages' }).getByText(text);
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * What axe finds, in light colours and in dark ones: rule, and where. Empty is good. Style sheets alone tell the two
 * apart, so in dark colours only the rules about colours are asked again.
 */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axeSource); // a script tag would need the page's nonce
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await findings(page, {});
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await findings(page, { runOnly: ['color-contrast', 'link-in-text-block'] });
  await page.emulateMedia({ colorScheme: 'light' });
  return [...light, ...dark.map((found) => `in dark colours, ${found}`)];
}

function findings(page: Page, options: { readonly runOnly?: readonly string[] }): Promise<string[]> {
  return page.evaluate(async (asked) => {
    interface Found {
      readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
    }
    const { axe } = globalThis as unknown as { readonly axe: { run(options: object): Promise<Found> } };
    const { violations } = await axe.run(asked);
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 300)}`));
  }, options);
}

/**
 * Opens an address on every screen, lets `prepare` bring the page where it should be looked at, and expects axe to find
 * nothing.
 */
export async function expectAccessible(
  { open }: Studio,
  address: string,
  prepare: (page: Page) => Promise<unknown>,
): Promise<void> {
  for (const { name, viewport } of screens) {
    const page = await open(address, { viewport, reducedMotion: 'reduce' });
    await prepare(page);
    expect(await axeFindings(page), `${address}, ${name}`).toEqual([]);
    await page.context().close();
  }
}
