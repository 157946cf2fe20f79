/** /api/v1: trust of the network for some minutes. */
import type { HttpServices } from '../services.ts';
import { nothing } from './contract.ts';
import { type Operation, operation } from './operation.ts';
import { trustAdmission, trustBody, trustState } from './trust-contract.ts';

const tag = 'cluster';

/** The operations on the window of trust. */
export function trustOperations({ cluster }: HttpServices): readonly Operation[] {
  const { lan } = cluster;
  const told = () => ({ open: lan.leftMs > 0, leftMs: Math.round(lan.leftMs), waiting: [...lan.waiting] });
  return [
    operation({
      id: 'getTrust',
      method: 'get',
      path: '/trust',
      tag,
      summary: 'Whether nodes of this network come in by themselves for now, and who waits for a yes',
      answer: trustState,
      handle: told,
    }),
    operation({
      id: 'openTrust',
      method: 'post',
      path: '/trust',
      tag,
      summary: 'For some minutes, nodes of the same private subnet that do the same become one cluster with this one',
      body: trustBody,
      answer: trustState,
      handle: ({ body }) => {
        lan.open(body.minutes * 60_000);
        return told();
      },
    }),
    operation({
      id: 'closeTrust',
      method: 'delete',
      path: '/trust',
      tag,
      summary: 'Ends that',
      answer: nothing,
      handle: () => {
        lan.close();
        return {};
      },
    }),
    operation({
      id: 'admitByTrust',
      method: 'post',
      path: '/trust/admit',
      tag,
      summary: 'Says yes or no to a node that waits',
      body: trustAdmission,
      answer: trustState,
      handle: ({ body }) => {
        lan.decide(body.node, body.admit);
        return told();
      },
    }),
  ];
}
