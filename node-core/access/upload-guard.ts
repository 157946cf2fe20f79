import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/schema.ts';
import { ShoalError } from '../domain/errors.ts';
import type { ExternalAuth } from './external-auth.ts';
import type { ManagementGate, Manager } from './management.ts';
import type { SceneCodes } from './scene-codes.ts';
import type { OpenedLink, ShareLinks } from './share-links.ts';

/** What an upload came in by. */
export interface UploadAdmission {
  readonly manager?: Manager;
  /** Files may go into its folder and nowhere else. */
  readonly link?: OpenedLink;
}

/** What the guard asks. */
export interface UploadGuardOptions {
  readonly config: () => Config;
  readonly gate: ManagementGate;
  readonly codes: SceneCodes;
  readonly external: ExternalAuth;
  readonly links: ShareLinks;
}

/** Decides who may upload: the policy before a byte is read, codes and `auth_url` once the fields are known. */
export class UploadGuard {
  readonly #options: UploadGuardOptions;

  constructor(options: UploadGuardOptions) {
    this.#options = options;
  }

  /**
   * Asked before the body is read. @param token of an upload link, when the caller sent one: it is used then, whatever the
   * policy is. @throws ShoalError UPLOAD_REFUSED, LINK_USED_UP, and what {@link ShareLinks.open} and {@link ShareLinks.admit}
   * throw.
   */
  async admit(request: IncomingMessage, token: string | undefined): Promise<UploadAdmission> {
    const { config, gate, links } = this.#options;
    if (token !== undefined) {
      const link = links.open(token);
      if (link.kind !== 'upload') throw new ShoalError('UPLOAD_REFUSED');
      if (link.usedUp) throw new ShoalError('LINK_USED_UP');
      await links.admit(link, request);
      return { link };
    }
    const manager = gate.managerOf(request);
    if (manager) return { manager };
    if (config().upload_policy !== 'open') throw new ShoalError('UPLOAD_REFUSED');
    return {};
  }

  /**
   * Asked once the fields are known. A link, or a login, is consent already; an address alone is none: behind a proxy on
   * the same host every caller has it.
   * @throws ShoalError CODE_REFUSED, AUTH_REFUSED, TOO_MANY_REQUESTS.
   */
  async checkFields(
    { manager, link }: UploadAdmission,
    request: IncomingMessage,
    scene: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<void> {
    if (link || hasProof(manager)) return;
    const { codes, external, gate } = this.#options;
    await codes.check(scene, fields.code, gate.addressOf(request));
    await external.check({ headers: request.headers, fields });
  }

  /** Asked before something is deleted through the compatible interface, on top of management (faults 17 and 20). */
  async checkDelete(request: IncomingMessage, fields: Readonly<Record<string, string>>): Promise<void> {
    const { external, gate } = this.#options;
    if (!hasProof(gate.managerOf(request))) await external.check({ headers: request.headers, fields });
  }
}

/** Whether a manager showed more than an address. */
function hasProof(manager: Manager | undefined): boolean {
  return manager !== undefined && manager.kind !== 'host' && manager.kind !== 'address';
}
