// Debian's Chromium, driven over a real daemon: opens the studio at any size and colour scheme, collects what the page
// complains about, and asks axe what is wrong with it.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, test as anyTest, beforeAll, expect } from 'vitest';
import { type Daemon, withDaemon } from './daemon.ts';

const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Tests of the page are skipped without it, by `browserTest` or `describe.skipIf(!hasChromium)`. */
export const hasChromium = existsSync(chromiumPath);
export const browserTest = anyTest.skipIf(!hasChromium);

export interface Look {
  readonly name: string;
  readonly viewport: { readonly width: number; readonly height: number };
  readonly colorScheme: 'light' | 'dark';
}

const desktop = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };

/** Every view is looked at like this. */
export const looks: readonly Look[] = [
  { name: 'desktop light', viewport: desktop, colorScheme: 'light' },
  { name: 'desktop dark', viewport: desktop, colorScheme: 'dark' },
  { name: 'phone light', viewport: phone, colorScheme: 'light' },
  { name: 'phone dark', viewport: phone, colorScheme: 'dark' },
];

export interface Studio {
  readonly daemon: Daemon;
  /** Opens a new page in a clean profile. `address` begins with #, as `#/keys?db=app.db`. */
  open(address: string, options?: BrowserContextOptions): Promise<Page>;
}

/** Runs `test` with a daemon and a browser of its own. Whatever a page logs as an error makes the test fail. */
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
 * One daemon and one browser for all tests of a file, from its first test to its last: the function runs a test with
 * them and closes the test's pages. Tests keep apart by the names of their databases.
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
    }
  };
}

/** Opens an absolute URL in a clean profile. */
export type OpenUrl = (url: string, options?: BrowserContextOptions) => Promise<Page>;

/** A browser alone, for tests that start and end daemons themselves. */
export async function withBrowser<Result>(test: (open: OpenUrl) => Promise<Result>): Promise<Result> {
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  const complaints: string[] = [];
  try {
    const result = await test((url, options = {}) => openPage(browser, url, options, complaints));
    expect(complaints).toEqual([]);
    return result;
  } finally {
    await browser.close();
  }
}

async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
  complaints: string[],
): Promise<Page> {
  const context = await browser.newContext({ viewport: desktop, locale: 'en-GB', ...options });
  const page = await context.newPage();
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

/** A message in the corner of the page. Screen readers hear the same text from an element of its own. */
export function message(page: Page, text: string): Locator {
  return page.getByRole('region', { name: 'Messages' }).getByText(text);
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds: rule, and where. Empty is good. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axeSource); // a script tag would need the page's nonce
  return page.evaluate(async () => {
    interface Found {
      readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
    }
    const { axe } = globalThis as unknown as { readonly axe: { run(): Promise<Found> } };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 300)}`));
  });
}

/**
 * Opens an address in every look, lets `prepare` bring the page where it should be looked at, and expects axe to find
 * nothing.
 */
export async function expectAccessible(
  { open }: Studio,
  address: string,
  prepare: (page: Page) => Promise<unknown>,
): Promise<void> {
  for (const { name, ...look } of looks) {
    const page = await open(address, { ...look, reducedMotion: 'reduce' });
    await prepare(page);
    expect(await axeFindings(page), `${address}, ${name}`).toEqual([]);
    await page.context().close();
  }
}
