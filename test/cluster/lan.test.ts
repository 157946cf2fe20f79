/** Real nodes on a LAN: they find each other, and hold the same files whatever happens to cables, machines and disks. */
import { afterEach, expect, it, vi } from 'vitest';
import { describeWithNamespaces } from '../support/describe-with-namespaces.ts';
import { eventually } from '../support/eventually.ts';
import { allSee, everywhere, LabNode } from '../support/lab-node.ts';
import { NetworkLab } from '../support/network-namespaces.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

const key = ['--cluster-key', 'a key of the tests, long enough to be one'];
const labs: NetworkLab[] = [];
const used: LabNode[] = [];

afterEach(async () => {
  for (const lab of labs.splice(0)) await lab[Symbol.asyncDispose]();
  for (const node of used.splice(0)) await node.clean();
});

/** A LAN of hosts whose nodes do not run yet. */
async function hosts(count: number): Promise<{ lab: NetworkLab; nodes: LabNode[] }> {
  const lab = await NetworkLab.open(count);
  labs.push(lab);
  const nodes: LabNode[] = [];
  for (let host = 1; host <= count; host += 1) nodes.push(await LabNode.on(lab, host));
  used.push(...nodes);
  return { lab, nodes };
}

/** Three nodes of one cluster. */
async function cluster(): Promise<{ lab: NetworkLab; nodes: LabNode[]; a: LabNode; b: LabNode; c: LabNode }> {
  const { lab, nodes } = await hosts(3);
  await Promise.all(nodes.map((node) => node.start(...key)));
  await allSee(nodes);
  const [a, b, c] = nodes as [LabNode, LabNode, LabNode];
  return { lab, nodes, a, b, c };
}

/** Tells a figure; a test does not fail for it. */
function figure(what: string, ms: number): void {
  console.log(`${what}: ${ms} ms`);
}

describeWithNamespaces('on a LAN', () => {
  it('five nodes with one key, started at the same moment, are one cluster', async () => {
    const { nodes } = await hosts(5);
    await Promise.all(nodes.map((node) => node.start(...key)));
    figure('five with one key, after all were ready', await allSee(nodes));
  });

  it('five nodes that trust the network are one cluster', async () => {
    const { nodes } = await hosts(5);
    await Promise.all(nodes.map((node) => node.start('--trust-lan')));
    figure('five with --trust-lan, after all were ready', await allSee(nodes));
  });

  it('three nodes without flags stay apart, and say what would connect them', async () => {
    const { nodes } = await hosts(3);
    await Promise.all(nodes.map((node) => node.start()));
    for (const node of nodes) {
      await eventually(
        async () => /2 nodes are near/.test(node.output),
        `host ${node.host} tells of the others: ${node.output}`,
        30_000,
      );
      expect(node.output).toMatch(/--cluster-key/);
      expect(node.output).toMatch(/shoal invite/);
      expect(await node.members()).toHaveLength(1);
    }
  });

  it('a cable is pulled while both sides write and delete, and both agree soon after it is back', async () => {
    const { lab, nodes, a, b, c } = await cluster();
    const old = [await a.upload('old 1', 2000), await a.upload('old 2', 2000), await b.upload('旧的 3', 5_000_000)];
    for (const file of old) await everywhere(nodes, file);
    await lab.cut(3);
    const left = await a.upload('left', 3000);
    const right = await c.upload('right', 3000);
    await b.remove((old[0] as (typeof old)[0]).path);
    await c.remove((old[1] as (typeof old)[0]).path);
    await everywhere([a, b], left);
    expect((await c.download(left.path)).status).toBe(404);
    await lab.heal(3);
    let ms = await everywhere(nodes, left);
    ms += await everywhere(nodes, right);
    for (const { path } of old.slice(0, 2)) ms += await everywhere(nodes, { path, sha256: undefined });
    ms += await everywhere(nodes, old[2] as (typeof old)[0]);
    figure('agreed after the cable was put in', ms);
  });

  it('a firewall shuts a node off from the others: it learns that nobody reaches it, and that somebody does again', async () => {
    const { lab, nodes, a, b, c } = await cluster();
    const isTold = async (node: LabNode) => {
      const { status, text } = await node.ask('GET', '/api/v1/members');
      return status === 200 && (JSON.parse(text) as { nobodyReaches: boolean }).nobodyReaches;
    };
    await lab.block(c.host, 8443);
    const began = performance.now();
    await eventually(() => isTold(c), 'it knows', 150_000);
    figure('a node knows that nobody reaches it, after a firewall went up', Math.round(performance.now() - began));
    // It speaks with all of them, and counts as there.
    await allSee(nodes);
    expect(await Promise.all([a, b].map(isTold))).toEqual([false, false]);
    await lab.block(c.host, undefined);
    await eventually(async () => !(await isTold(c)), 'it is over', 60_000);
  });

  it('three packets of ten are lost in one direction, and files arrive all the same', async () => {
    const { lab, nodes, a, c } = await cluster();
    await lab.lose(3, 0.3);
    const files = [];
    for (let index = 0; index < 5; index += 1) files.push(await a.upload(`lossy ${index}`, 200_000));
    const back = await c.upload('from there', 300_000);
    for (const file of files) await everywhere(nodes, file, 90_000);
    await everywhere(nodes, back, 90_000);
  });

  it('machines are killed at any time, one comes back with the data of yesterday, and nothing is lost', async () => {
    const { nodes, a, b, c } = await cluster();
    const first = await a.upload('before the backup', 100_000);
    await everywhere(nodes, first);
    await c.kill();
    const restore = await c.backUp();
    await c.start(...key);
    await allSee(nodes);
    const second = await c.upload('after the backup', 100_000);
    await everywhere(nodes, second);
    // Twenty uploads while one after the other is killed; what was acknowledged must be everywhere in the end.
    const kept: { path: string; sha256: string }[] = [];
    const uploads = (async () => {
      for (let index = 0; index < 20; index += 1) kept.push(await a.upload(`busy ${index}`, 150_000));
    })();
    await b.kill();
    await b.start(...key);
    await c.kill();
    await uploads;
    await restore();
    await c.start(...key);
    await allSee(nodes);
    const third = await c.upload('written with the old data', 1000);
    for (const file of [first, second, third, ...kept]) await everywhere(nodes, file, 60_000);
  });

  it('a file is deleted while a member is down, and does not come back with it', async () => {
    const { nodes, a, b, c } = await cluster();
    const gone = await a.upload('goes', 50_000);
    const stays = await a.upload('stays', 50_000);
    await everywhere(nodes, gone);
    await everywhere(nodes, stays);
    await c.kill();
    await b.remove(gone.path);
    const fresh = await a.upload('meanwhile', 1000);
    await c.start(...key);
    await everywhere(nodes, fresh);
    await everywhere(nodes, stays);
    await everywhere(nodes, { path: gone.path, sha256: undefined });
  });

  it('the origin of a file dies before its bytes have spread, and they come when it does', async () => {
    const { nodes, a, b, c } = await cluster();
    for (const node of [b, c])
      expect((await node.ask('PUT', '/api/v1/transfers', { json: { paused: true } })).status).toBe(200);
    const file = await a.upload('only here', 3_000_000);
    await eventually(async () => {
      const stat = await b.ask(
        'GET',
        `/api/v1/files/stat?path=${encodeURIComponent(file.path.replace('/group1/', ''))}`,
      );
      return stat.status === 200;
    }, 'the record has spread');
    await a.kill();
    for (const node of [b, c]) await node.ask('PUT', '/api/v1/transfers', { json: { paused: false } });
    await eventually(async () => (await b.download(file.path)).status === 503, 'its bytes are nowhere');
    await a.start(...key);
    await everywhere(nodes, file);
  });

  it('an idle cluster writes nothing to its stores', async () => {
    const { lab, nodes, a } = await cluster();
    await everywhere(nodes, await a.upload('quiet', 1000));
    const sizes = async () =>
      Promise.all(
        nodes.map(({ host, dataDir }) =>
          lab.in(host, `cd ${dataDir} && find data files -type f -printf '%p %s %T@ %i\\n' | sort`),
        ),
      );
    // What the start and the upload still had to write is written after a while.
    let before = await sizes();
    await eventually(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 5000));
        const now = await sizes();
        const quiet = JSON.stringify(now) === JSON.stringify(before);
        before = now;
        return quiet;
      },
      'the stores have come to rest',
      60_000,
    );
    await new Promise((resolve) => setTimeout(resolve, 40_000));
    expect(await sizes()).toEqual(before);
  });
});
