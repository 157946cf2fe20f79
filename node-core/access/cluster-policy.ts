/**
 * The policy that all members have alike (replication.md, 21): who may upload and download, at least. A node goes by the stricter
 * of this and its own configuration: it may tighten its own doors, and never loosen them.
 */
import type { Catalog } from '../catalog/catalog.ts';
import { type Door, type PolicyEntry, policyRow, policyTable } from '../catalog/shared-values.ts';
import type { Config } from '../config/schema.ts';

/** From the widest door to none. */
const doors: readonly Door[] = ['open', 'token', 'session', 'off'];

/** What may be said of the policy. */
export type PolicyWish = Pick<PolicyEntry, 'upload' | 'download' | 'minReplicas' | 'scenes'>;

/** What holds where nobody has said anything. */
const noPolicy: PolicyWish = { upload: 'open', download: 'open', minReplicas: 1, scenes: [] };

/** Keeps the policy, and says what it makes of the configuration. */
export class ClusterPolicy {
  readonly #catalog: Catalog;
  readonly #config: () => Config;
  #read: { readonly revision: number; readonly entry: PolicyEntry | undefined } | undefined;
  #effective: { readonly of: Config; readonly entry: PolicyEntry | undefined; readonly config: Config } | undefined;

  constructor(catalog: Catalog, config: () => Config) {
    this.#catalog = catalog;
    this.#config = config;
  }

  /** What the members agreed on. */
  get current(): PolicyWish & Partial<Pick<PolicyEntry, 'by' | 'node'>> {
    return this.#entry() ?? noPolicy;
  }

  /** The configuration that counts here. The same object as long as nothing changes. */
  effective(): Config {
    const of = this.#config();
    const entry = this.#entry();
    if (entry === undefined) return of;
    if (this.#effective?.of === of && this.#effective.entry === entry) return this.#effective.config;
    const config = Object.freeze(tightened(of, entry));
    this.#effective = { of, entry, config };
    return config;
  }

  /** Sets the policy for all members. */
  async set(wish: PolicyWish, by: string): Promise<void> {
    await this.#catalog.commit((transaction) => {
      const before = transaction.row(policyTable, policyRow);
      const { upload, download, minReplicas, scenes } = wish;
      const entry: PolicyEntry = {
        ...before,
        id: policyRow,
        format: 1,
        ...transaction.stamp(before),
        upload,
        download,
        minReplicas,
        scenes: [...scenes],
        by,
      };
      transaction.putRow(policyTable, policyRow, entry);
    });
  }

  #entry(): PolicyEntry | undefined {
    const revision = this.#catalog.sharedRevision;
    if (this.#read?.revision !== revision)
      this.#read = { revision, entry: this.#catalog.isOpen ? this.#catalog.row(policyTable, policyRow) : undefined };
    return this.#read.entry;
  }
}

function tightened(config: Config, policy: PolicyWish): Config {
  // A scene's own secret here is the stricter word on it; a mere name says nothing of secrets.
  const own = new Set(config.scenes.filter((entry) => entry.includes(':')).map(sceneOf));
  return {
    ...config,
    upload_policy: stricter(config.upload_policy, policy.upload),
    download_policy: stricter(config.download_policy, policy.download),
    min_replicas: Math.max(config.min_replicas, policy.minReplicas),
    scenes: [...config.scenes, ...policy.scenes.filter((entry) => !own.has(sceneOf(entry)))],
  };
}

function stricter(a: Door, b: Door): Door {
  return doors.indexOf(a) >= doors.indexOf(b) ? a : b;
}

function sceneOf(entry: string): string | undefined {
  return entry.split(':')[0];
}
