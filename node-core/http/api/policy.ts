/** /api/v1: what all members go by. */
import { type HttpServices, readOnlyCheck } from '../services.ts';
import { type Operation, operation } from './operation.ts';
import { policyBody, policy as policyShape } from './policy-contract.ts';

const tag = 'cluster';

/** The operations on the policy of the cluster. */
export function policyOperations(services: HttpServices): readonly Operation[] {
  const { access, policy } = services;
  const told = () => {
    const { upload, download, minReplicas, scenes, by, node } = policy.current;
    const { upload_policy, download_policy, min_replicas } = services.config();
    return {
      ...{ upload, download, minReplicas, scenes: [...scenes] },
      ...(by !== undefined && { by }),
      ...(node !== undefined && { node }),
      effective: { upload: upload_policy, download: download_policy, minReplicas: min_replicas },
    };
  };
  return [
    operation({
      id: 'getPolicy',
      method: 'get',
      path: '/policy',
      tag,
      summary: 'What all members go by, and what counts on this node',
      answer: policyShape,
      handle: told,
    }),
    operation({
      id: 'setPolicy',
      method: 'put',
      path: '/policy',
      tag,
      summary: 'Sets what all members go by',
      body: policyBody,
      answer: policyShape,
      handle: async ({ body }, request) => {
        readOnlyCheck(services);
        await policy.set(body, access.addressOf(request));
        return told();
      },
    }),
  ];
}
