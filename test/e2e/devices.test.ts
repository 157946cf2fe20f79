/** Two real nodes in two windows: pairing by digits, and a file that appears in the other window by itself. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { openWindow } from '../support/browser.ts';
import { startMember, testKey } from '../support/cluster-in-process.ts';
import { startNode } from '../support/node-in-process.ts';

/** Opens the window of trust where devices are added. */
async function trustNetwork(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/#/devices`);
  await page.getByRole('button', { name: 'Add a device' }).first().click();
  await page.getByRole('tab', { name: 'Trust this network' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Trust for 15 minutes' }).click();
}

it('two devices are paired by six digits, and a file put into one shows in the other', async () => {
  const [a, b] = await Promise.all([startNode({ node_name: 'Alpha' }), startNode({ node_name: 'Beta' })]);
  const [left, right] = await Promise.all([openWindow(a.origin), openWindow(b.origin)]);
  await left.goto(`${a.origin}/#/devices`);
  await right.goto(`${b.origin}/#/devices`);
  await left.locator('[data-member="Alpha"]').waitFor();
  await right.getByRole('button', { name: 'Add a device' }).first().click();
  await right.getByRole('tab', { name: 'By address' }).click();
  await right.getByRole('textbox', { name: 'Address' }).fill(`127.0.0.1:${a.node.peerPort}`);
  await right.getByRole('button', { name: 'Ask' }).click();
  // The digits appear on both screens, without a reload, and are the same.
  const digits = await Promise.all([left, right].map((page) => page.getByTestId('digits').textContent()));
  expect(digits[0]).toMatch(/^\d{3} \d{3}$/);
  expect(digits[1]).toBe(digits[0]);
  // Whoever is asked sees what the other one holds and goes by; the one that asks, as soon as the other has said yes.
  const there = (page: Page) =>
    expect
      .poll(() => page.locator('[data-pairing] td:last-child').allTextContents())
      .toEqual([expect.stringMatching(/files?, /), '1', expect.stringMatching(/^Upload: /)]);
  await there(left);
  await left.getByRole('button', { name: 'The digits are the same' }).click();
  await left.getByText('Waiting for the other side').waitFor();
  await there(right);
  await right.getByRole('button', { name: 'The digits are the same' }).click();
  for (const page of [left, right]) {
    await page.locator('[data-member="Alpha"]').waitFor();
    await page.locator('[data-member="Beta"]').waitFor();
    await expect.poll(() => page.getByText('Offline').count()).toBe(0);
    await expect
      .poll(() =>
        page
          .locator('[data-member]')
          .getByText(/ of .* free/)
          .count(),
      )
      .toBe(2);
  }
  await right.getByRole('link', { name: 'Files', exact: true }).click();
  await right.getByText('This folder is empty').waitFor();
  await left.getByRole('link', { name: 'Files', exact: true }).click();
  await left
    .getByTestId('choose-files')
    .setInputFiles({ name: 'to both.txt', mimeType: 'text/plain', buffer: Buffer.from('here and there') });
  await right.getByRole('row', { name: 'to both.txt' }).waitFor();
  await right.getByRole('row', { name: 'to both.txt' }).dblclick();
  await right.getByRole('dialog').getByText('here and there').waitFor();
  // Counted only where the bytes have been verified.
  await right.getByRole('button', { name: 'Details' }).click();
  await right.getByText('Safe on 2 of 2 devices').waitFor();
});

it('trust of the network is a window with a countdown, which can be closed', async () => {
  const [a, b] = await Promise.all([startNode({ node_name: 'Alpha' }), startNode({ node_name: 'Beta' })]);
  const [left, right] = await Promise.all([openWindow(a.origin), openWindow(b.origin)]);
  await left.goto(`${a.origin}/#/welcome`);
  await left.getByRole('button', { name: 'Trust for 15 minutes' }).click();
  await left.getByText(/This network is trusted for 1[45] min/).waitFor();
  await right.goto(`${b.origin}/#/devices`);
  await right.locator('[data-member="Beta"]').waitFor();
  await left.getByRole('button', { name: 'Stop trusting now' }).click();
  await left.getByRole('button', { name: 'Trust for 15 minutes' }).waitFor();
  expect(await right.locator('[data-member="Alpha"]').count()).toBe(0);
});

it('an invite lets one device in; who was removed is gone everywhere', async () => {
  const [a, b] = await Promise.all([startNode({ node_name: 'Alpha' }), startNode({ node_name: 'Beta' })]);
  const [left, right] = await Promise.all([openWindow(a.origin), openWindow(b.origin)]);
  await left.goto(`${a.origin}/#/devices`);
  await left.getByRole('button', { name: 'Add a device' }).first().click();
  await left.getByRole('button', { name: 'Make an invite' }).click();
  await left.getByRole('img', { name: 'QR code of the invite' }).waitFor();
  const token = await left.getByRole('textbox', { name: 'Invite' }).inputValue();
  const link = await left.getByRole('textbox', { name: 'Link for the Shoal app' }).inputValue();
  expect(link).toBe(`shoal://devices/${token}`);
  await left.keyboard.press('Escape');
  await right.goto(`${b.origin}/#/devices`);
  await right.getByRole('button', { name: 'Add a device' }).first().click();
  await right.getByRole('tab', { name: 'I have an invite' }).click();
  await right.getByRole('textbox', { name: 'Invite' }).fill('nonsense');
  await right.getByRole('dialog').getByRole('button', { name: 'See where it leads' }).click();
  await right.getByRole('dialog').getByRole('alert').waitFor();
  await right.keyboard.press('Escape');
  // What the desktop app makes of the link: it shows what the invite leads to, and asks.
  await right.goto(`${b.origin}/#/devices/${encodeURIComponent(token)}`);
  await right.getByRole('dialog').getByRole('button', { name: 'See where it leads' }).click();
  await right.getByRole('dialog').getByText('This invite leads to').waitFor();
  await right.getByRole('dialog').getByText('Alpha').waitFor();
  expect(await left.locator('[data-member="Beta"]').count()).toBe(0);
  await right.getByRole('dialog').getByRole('button', { name: 'Join' }).click();
  await left.locator('[data-member="Beta"]').waitFor();
  await left.getByRole('button', { name: 'Actions for Beta' }).click();
  await left.getByRole('menuitem', { name: 'Remove' }).click();
  await left.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await left.locator('[data-member="Beta"]').waitFor({ state: 'detached' });
});

it('a device that nobody can reach says so, with the address that was tried and what mends it', async () => {
  const near = await startMember('Alpha', { cluster_key: testKey });
  // Others see it come from 127.0.0.1 and look for it there; it listens elsewhere.
  const elsewhere = { peer_addr: '127.0.0.2:0', advertise: '127.0.0.1:9' };
  const far = await startMember('Beta', { cluster_key: testKey, peers: [near.origin], ...elsewhere });
  const [left, right] = await Promise.all([openWindow(near.origin), openWindow(far.origin)]);
  await right.goto(`${far.origin}/#/devices`);
  await left.goto(`${near.origin}/#/devices`);
  const alert = right.getByRole('alert').filter({ hasText: 'Nobody can reach this device' });
  await alert.getByText('127.0.0.1:9').waitFor();
  await alert.getByText(`TCP port ${far.node.peerPort}`).waitFor();
  await left.locator('[data-member="Beta"]').getByText('This device cannot reach it').waitFor();
  expect(await left.getByText('Nobody can reach this device').count()).toBe(0);
  await right.goto(`${far.origin}/#/settings/all/advertise`);
  await right.locator('[data-setting="advertise"]').waitFor();
});

it('two new devices come together by themselves while both trust the network: two clicks from the welcome', async () => {
  const a = await startNode({ node_name: 'Alpha' });
  const b = await startNode({ node_name: 'Beta', peers: [a.origin] });
  const [left, right] = await Promise.all([openWindow(a.origin), openWindow(b.origin)]);
  await trustNetwork(left, a.origin);
  await left.getByText(/This network is trusted for 1[45] min/).waitFor();
  // The node holds nothing and knows nobody: its first visitor is welcomed.
  await right.addInitScript('addEventListener("click", () => { window.clicks = (window.clicks ?? 0) + 1 }, true)');
  await right.goto(`${b.origin}/`);
  await right.getByRole('button', { name: 'Trust for 15 minutes' }).click();
  await left.locator('[data-member="Beta"]').waitFor();
  await right.getByRole('button', { name: 'To my files' }).click();
  await right.getByText('This folder is empty').waitFor();
  expect(await right.evaluate('window.clicks')).toBeLessThanOrEqual(5);
  await right.goto(`${b.origin}/#/devices`);
  for (const page of [left, right]) {
    await page.locator('[data-member="Alpha"]').waitFor();
    await page.locator('[data-member="Beta"]').waitFor();
    await expect.poll(() => page.getByText('Offline').count()).toBe(0);
  }
});

it('where there are files already, trust of the network asks: one click lets the device in', async () => {
  const a = await startNode({ node_name: 'Alpha' });
  await (await ApiClient.of(a)).ok('writeFile', { query: { path: 'held already.txt' }, body: 'x' });
  const b = await startNode({ node_name: 'Beta', peers: [a.origin] });
  const [left, right] = await Promise.all([openWindow(a.origin), openWindow(b.origin)]);
  await trustNetwork(left, a.origin);
  await trustNetwork(right, b.origin);
  await right.getByText('Somebody has to say yes on that device').waitFor();
  await left.getByRole('button', { name: 'Let it in' }).click();
  for (const page of [left, right]) {
    await page.locator('[data-member="Alpha"]').waitFor();
    await page.locator('[data-member="Beta"]').waitFor();
  }
});

it('what comes from another device is shown while it comes and afterwards, and how far devices are, without a reload', async () => {
  const a = await startMember('Alpha', { cluster_key: testKey });
  const b = await startMember('Beta', { cluster_key: testKey, peers: [a.origin] });
  const [transfers, devices] = await Promise.all([openWindow(b.origin), openWindow(a.origin)]);
  await devices.goto(`${a.origin}/#/devices`);
  await devices.locator('[data-member="Beta"]').getByText('0 files').waitFor();
  await transfers.goto(`${b.origin}/#/transfers`);
  await transfers.getByText('Nothing is on its way').waitFor();
  await b.api.ok('pauseTransfers', { json: { paused: true } });
  for (let number = 1; number <= 60; number += 1)
    await a.api.ok('writeFile', { query: { path: `From Alpha/file ${number}.txt` }, body: `file ${number}` });
  await devices
    .locator('[data-member="Beta"]')
    .getByText(/60 files \(.*\) missing/)
    .waitFor();
  await transfers.getByText(/60 files \(.*\) are still to come/).waitFor();
  await transfers.getByRole('button', { name: 'Go on' }).click();
  const came = transfers.getByRole('region', { name: 'Came from other devices' });
  await expect.poll(() => came.locator('[data-transfer="done"]').count()).toBe(50);
  await came.getByText('Alpha', { exact: true }).first().waitFor();
  await came.getByRole('button', { name: 'Show more' }).click();
  await expect.poll(() => came.locator('[data-transfer="done"]').count()).toBe(60);
  await devices.locator('[data-member="Beta"]').getByText('up to date').waitFor();
  await devices.locator('[data-member="Beta"]').getByText('60 files').waitFor();
  await came.getByRole('button', { name: 'Clear' }).click();
  await transfers.getByText('Nothing is on its way').waitFor();
});
