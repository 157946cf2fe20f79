/**
 * A real browser with the web app of a real node. What the page must never do is watched in every test: errors of scripts,
 * violations of its policy, requests to anybody but its node.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, expect, onTestFinished } from 'vitest';

const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Animations that come to an end, and have not yet. */
const restless =
  'document.getAnimations().filter((one) => one.playState === "running" && one.effect.getComputedTiming().iterations !== Infinity).length';

/** Where Debian puts it; elsewhere the environment says. */
const executablePath = process.env.SHOAL_CHROMIUM ?? '/usr/bin/chromium';

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** How long a page may take to come into a state, in milliseconds: the machine may be small and busy. */
export const patienceMs = 30_000;

let running: Promise<Browser> | undefined;

afterAll(async () => {
  await (await running)?.close();
});

/** How a window is opened. */
export interface WindowOptions extends Pick<BrowserContextOptions, 'colorScheme' | 'locale' | 'viewport' | 'hasTouch'> {
  /** Words of failures that this test provokes: a node that is killed, an answer that refuses. */
  readonly expectedErrors?: RegExp;
}

/** A visitor with a browser of their own: no cookies, nothing remembered. Gone after the test. */
export async function openWindow(origin: string, options: WindowOptions = {}): Promise<Page> {
  const context = await newVisitor(options);
  const page = await context.newPage();
  watch(page, origin, options.expectedErrors);
  return page;
}

async function newVisitor({ expectedErrors: _, ...options }: WindowOptions): Promise<BrowserContext> {
  running ??= chromium.launch({ executablePath, args: quiet });
  const browser = await running;
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(patienceMs);
  onTestFinished(() => context.close());
  return context;
}

/** Fails the test for what no page of the app may do. */
function watch(page: Page, origin: string, expected: RegExp | undefined): void {
  const wrong: string[] = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    // What the node refuses the browser tells, too; the page says it itself.
    const text = message.text();
    if (message.type() === 'error' && !/^Failed to load resource/.test(text)) wrong.push(text);
  });
  page.on('request', (request) => {
    const url = request.url();
    if (/^https?:/.test(url) && !url.startsWith(`${origin}/`)) wrong.push(`a request to ${url}`);
  });
  onTestFinished(() => {
    expect(wrong.filter((text) => !expected?.test(text))).toEqual([]);
  });
}

/** A violation of WCAG that axe found. */
interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What WCAG 2.2 AA demands of what is shown now, as far as a program can tell. @returns violations in words. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // Texts that are fading in have no contrast yet.
  await expect.poll(() => page.evaluate(restless)).toBe(0);
  // Scripts of others are not let in by the page's policy; a debugger's are.
  await page.evaluate(await axeSource);
  const { violations } = (await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] })`,
  )) as { violations: Violation[] };
  return violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 4).map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ''}`),
  );
}

/** Whether something is wider than the window: then people have to scroll sideways. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/** Where the build has put the app. */
export const builtApp = path.join(import.meta.dirname, '..', '..', 'dist', 'renderer');
