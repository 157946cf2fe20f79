/** Repair, figures and offers of one node, and what members ask of them. */
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RemoteRecords } from '../../files/remote-records.ts';
import type { WantedContent } from '../../files/wanted-content.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { EventSink } from '../../runtime/events.ts';
import { compareWith } from '../engine/compare.ts';
import type { ReportTrouble, Scheduler } from '../engine/ports.ts';
import type { Replicator } from '../engine/replicator.ts';
import type { WantWorker } from '../engine/want-worker.ts';
import type { PeerClient } from '../transport/peer-client.ts';
import { jsonRoute, type PeerRoute } from '../transport/peer-server.ts';
import { type DeviceKind, Figures, figuresShapes } from './figures.ts';
import { type OfferOutcome, Offers, offerShapes } from './offers.ts';
import { Repairer } from './repairer.ts';

/** News of repair. */
export interface CareEvents {
  'repair-changed': { readonly running: boolean; readonly changed: number };
}

/** What the care is built with. */
export interface MemberCareOptions {
  readonly catalog: Catalog;
  readonly remote: RemoteRecords;
  readonly wanted: WantedContent;
  readonly wants: WantWorker;
  readonly replicator: Replicator;
  readonly client: PeerClient;
  readonly isOnline: (member: string) => boolean;
  readonly isRepairEnabled: () => boolean;
  readonly isStalled: () => boolean;
  readonly device: DeviceKind;
  /** Of the disk now. @throws system errors when it is gone. */
  readonly space: () => Promise<{ readonly free: number; readonly total: number }>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly report: ReportTrouble;
  readonly events: EventSink<CareEvents>;
}

/** Looks after what members hold. */
export class MemberCare {
  readonly repairer: Repairer;
  readonly figures: Figures;
  readonly #options: MemberCareOptions;
  readonly #offers: Offers;

  constructor(options: MemberCareOptions) {
    this.#options = options;
    const { catalog, client, clock, events, isOnline, remote, replicator, scheduler, report, wanted, wants } = options;
    this.repairer = new Repairer({
      members: () => client.members(),
      compare: async (member) => {
        const found = await compareWith({ catalog, remote, links: client }, member);
        if (found.changed > 0) {
          wants.wake();
          replicator.announce('anew');
        }
        return found;
      },
      invite: (member) => client.call(member, { method: 'POST', path: 'repair', body: {} }, z.object({})),
      isEnabled: options.isRepairEnabled,
      scheduler,
      report,
      onChange: () => {
        const { running } = this.repairer.state;
        const changed = this.repairer.last().reduce((sum, one) => sum + (one.changed ?? 0), 0);
        events.emit('repair-changed', { running, changed });
      },
    });
    this.figures = new Figures({
      catalog,
      wanted,
      client,
      isOnline,
      isStalled: options.isStalled,
      device: options.device,
      space: options.space,
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
    });
    this.#offers = new Offers({ catalog, client, isOnline });
  }

  /** Offers contents to all members, and has them compare with this node: a record that one lacks is no content to fetch. */
  async offer(contents: readonly string[]): Promise<OfferOutcome[]> {
    const outcomes = await this.#offers.offer(contents);
    if (outcomes.some(({ lacking = 0 }) => lacking > 0)) void this.repairer.runAll(true);
    return outcomes;
  }

  /** What members ask. */
  routes(): Record<string, PeerRoute> {
    const { replicator, wants } = this.#options;
    return {
      repair: jsonRoute(z.object({}), ({ id }) => {
        void this.repairer.run(id);
        return {};
      }),
      figures: jsonRoute(figuresShapes.question, () => this.figures.own()),
      offer: jsonRoute(offerShapes.question, async ({ id }, { contents }) => {
        const lacking = await this.#offers.lacking(contents);
        if (lacking.length > 0) {
          void replicator.read(id);
          wants.wake(true);
        }
        return { lacking };
      }),
    };
  }
}
