/** Two real nodes in two windows: pairing by digits, and a file that appears in the other window by itself. */
import { expect, it } from 'vitest';
import { openWindow } from '../support/browser.ts';
import { startMember, testKey } from '../support/cluster-in-process.ts';
import { startNode } from '../support/node-in-process.ts';

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
  await left.getByRole('button', { name: 'The digits are the same' }).click();
  await left.getByText('Waiting for the other side').waitFor();
  await right.getByRole('button', { name: 'The digits are the same' }).click();
  for (const page of [left, right]) {
    await page.locator('[data-member="Alpha"]').waitFor();
    await page.locator('[data-member="Beta"]').waitFor();
    await expect.poll(() => page.getByText('Offline').count()).toBe(0);
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
  await left.keyboard.press('Escape');
  await right.goto(`${b.origin}/#/devices`);
  await right.getByRole('button', { name: 'Add a device' }).first().click();
  await right.getByRole('tab', { name: 'I have an invite' }).click();
  await right.getByRole('textbox', { name: 'Invite' }).fill('nonsense');
  await right.getByRole('dialog').getByRole('button', { name: 'Join' }).click();
  await right.getByRole('dialog').getByRole('alert').waitFor();
  await right.getByRole('textbox', { name: 'Invite' }).fill(token);
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
