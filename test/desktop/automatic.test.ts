/** What two people do who have just installed the app on the same network: both trust it, and one shares a file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithNamespaces } from '../support/describe-with-namespaces.ts';
import { appFolder, desktopEnvironment } from '../support/desktop.ts';
import { PipedPage } from '../support/devtools-pipe.ts';
import { NetworkLab } from '../support/network-namespaces.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const patienceMs = 30_000;

/** Starts a fresh app on a host of the LAN; it announces itself, as installed apps do. */
async function startOn(lab: NetworkLab, host: number, name: string) {
  const profile = await temporaryFolder();
  const electron = path.join(process.env.SHOAL_ELECTRON_DIST ?? '', 'electron');
  const flags = ['--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', appFolder, `--profile=${profile}`];
  const [command = '', ...wrapper] = lab.wrapperOf(host);
  const { SHOAL_NO_DISCOVERY: _, ...env } = desktopEnvironment({ SHOAL_NAME: name });
  const child = spawn(command, [...wrapper, electron, ...flags], {
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const page = new PipedPage(child);
  await page.attach(/^http:\/\/127\.0\.0\.1:\d+\/#\/welcome/);
  return { page, ended };
}

describeWithNamespaces('a LAN of two new desktops', () => {
  it('both choose Automatic: a file of one is on the other within a minute and five clicks', async () => {
    const lab = await NetworkLab.open(2);
    const began = performance.now();
    const sides = await Promise.all([startOn(lab, 1, 'Left'), startOn(lab, 2, 'Right')]);
    onTestFinished(async () => {
      await lab[Symbol.asyncDispose]();
      await Promise.all(sides.map(({ ended }) => ended));
    });
    const [left, right] = sides;
    let clicks = 0;
    const click = async ({ page }: typeof left, text: string) => {
      await page.click(text);
      clicks += 1;
    };
    await click(left, 'Trust for 15 minutes');
    await click(right, 'Trust for 15 minutes');
    await click(left, 'To my files');
    await click(right, 'To my files');
    const file = path.join(await temporaryFolder(), 'für alle 给大家.txt');
    await writeFile(file, 'from left to right');
    // The fifth: the button that opens the chooser, whose dialog is the system's.
    await expect
      .poll(() => left.page.evaluate("document.querySelector('[data-testid=choose-files]') !== null"))
      .toBe(true);
    clicks += 1;
    await left.page.chooseFiles('[data-testid=choose-files]', [file]);
    const content = `fetch('./api/v1/files/content?path=' + encodeURIComponent(${JSON.stringify(path.basename(file))})).then((one) => one.ok ? one.text() : undefined)`;
    await expect.poll(() => right.page.evaluate(content), { timeout: 2 * patienceMs }).toBe('from left to right');
    const rows = "[...document.querySelectorAll('[role=row]')].map((row) => row.textContent).join()";
    await expect.poll(() => right.page.evaluate(rows)).toContain(path.basename(file));
    const seconds = (performance.now() - began) / 1000;
    console.log(`two fresh desktops shared a file after ${seconds.toFixed(1)} s and ${clicks} clicks`);
    expect(seconds).toBeLessThan(60);
    expect(clicks).toBeLessThanOrEqual(5);
  });
});
