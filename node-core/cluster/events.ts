/** News of everything in the cluster, after the fact. */
import type { CareEvents } from './care/member-care.ts';
import type { JoinEvents } from './joining/join-door.ts';
import type { MemberEvents } from './members/member-list.ts';
import type { LivenessEvents } from './transport/liveness.ts';
import type { TransferEvents } from './transport/transfers.ts';

/** News of the cluster. */
export interface ClusterEvents extends MemberEvents, LivenessEvents, TransferEvents, JoinEvents, CareEvents {
  /** Stalled: the disk is full, nothing is fetched until there is room. Paused: somebody has said so. Or neither any more. */
  'fetching-changed': { readonly stalled: boolean; readonly paused: boolean };
  /** One id, two machines: both are refused. */
  'twin-seen': { readonly id: string };
}
