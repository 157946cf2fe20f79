/** Everything that protects a node, put together: what the HTTP room asks, and the services that start and stop. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { AdministratorKeeper } from './administrators.ts';
import { cookieOf } from './cookies.ts';
import { DownloadGuard } from './download-guard.ts';
import { ExternalAuth } from './external-auth.ts';
import { ManagementGate } from './management.ts';
import { PasswordHasher } from './passwords.ts';
import { RateLimiter } from './rate-limit.ts';
import { SceneCodes } from './scene-codes.ts';
import { isSameSecret } from './secrets.ts';
import { SessionKeeper } from './sessions.ts';
import { SetupLink } from './setup-link.ts';
import { ShareLinks } from './share-links.ts';
import { UploadGuard } from './upload-guard.ts';
import { UploadSlots } from './upload-slots.ts';

/** What it is built from. */
export interface ProtectionOptions {
  readonly catalog: Catalog;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeId: string;
  /** Absolute path of the data folder's `data/`. */
  readonly folder: string;
  /** Told of every key that was wrong. */
  readonly onWrongKey: () => void;
  /** Counts a use of a link at the member that made it. @throws ShoalError LINK_CREATOR_AWAY, LINK_USED_UP, LINK_REVOKED. */
  readonly redeem: (creator: string, link: string) => Promise<void>;
  /** Whether a bearer token is the local one. */
  readonly isLocalToken: (token: string) => boolean;
  /** Address of the setup page, for the link. */
  readonly setupPage: () => string;
  /** The setup link is shown on a terminal. */
  readonly onTerminal: boolean;
}

/** The parts. */
export interface Protection {
  readonly gate: ManagementGate;
  readonly administrators: AdministratorKeeper;
  readonly sessions: SessionKeeper;
  /** Name of the session's cookie. Cookies know no ports: each node on a host has its own. */
  readonly sessionCookie: string;
  readonly setupLink: SetupLink;
  readonly links: ShareLinks;
  readonly downloads: DownloadGuard;
  readonly uploads: UploadGuard;
  readonly uploadSlots: UploadSlots;
  /** Attempts to sign in. */
  readonly logins: RateLimiter;
  /** Requests of strangers that cost the node something. */
  readonly strangers: RateLimiter;
}

/** Tries of one caller: some at once, then slowly. */
const guesses = { burst: 10, perMinute: 2 } as const;

/** Tries of all callers together. */
const allGuesses = { burst: 100, perMinute: 20 } as const;

/** Wrong codes of all callers together: many, because it shuts everybody out; few enough for a million possible codes. */
const allCodes = { burst: 1000, perMinute: 200 } as const;

/** Refused downloads of one caller. */
const refusals = { burst: 120, perMinute: 60 } as const;

/** Puts the parts together; nothing is opened yet. The sessions start after the catalogue, the setup link after the server. */
export function createProtection(options: ProtectionOptions): Protection {
  const { catalog, config, clock, logger, nodeId, isLocalToken } = options;
  const onError = (error: unknown) => logger.error({ err: error }, 'a change of access could not be written');
  const hasher = new PasswordHasher();
  const sessionCookie = `shoal_session_${nodeId.slice(0, 8)}`;
  const sessions = new SessionKeeper({ catalog, clock, terms: config, onError });
  const administrators = new AdministratorKeeper({ catalog, hasher, clock, adminKey: () => config().admin_key });
  const limiter = () => new RateLimiter(clock, () => guesses, allGuesses);
  const gate = new ManagementGate(config, {
    bearer: (token) => (isLocalToken(token) ? 'token' : isSameSecret(token, config().admin_key) ? 'key' : undefined),
    session: (request) => {
      const text = cookieOf(request, sessionCookie);
      return text === undefined ? undefined : sessions.find(text);
    },
    attempts: new RateLimiter(clock, () => guesses),
    onWrong: options.onWrongKey,
  });
  const codes = new SceneCodes({
    catalog,
    clock,
    policy: config,
    attempts: new RateLimiter(clock, () => guesses, allCodes),
  });
  const external = new ExternalAuth(config, logger);
  const addressOf = gate.addressOf.bind(gate);
  const links = new ShareLinks({
    ...{ catalog, clock, hasher, addressOf, onError },
    attempts: limiter(),
    nodeId,
    redeem: options.redeem,
  });
  return {
    gate,
    administrators,
    sessions,
    sessionCookie,
    setupLink: new SetupLink({
      folder: options.folder,
      isSetUp: () => administrators.current !== undefined,
      page: options.setupPage,
      onTerminal: options.onTerminal,
    }),
    links,
    downloads: new DownloadGuard({
      config,
      gate,
      codes,
      external,
      clock,
      attempts: new RateLimiter(clock, () => refusals),
    }),
    uploads: new UploadGuard({ config, gate, codes, external, links }),
    uploadSlots: new UploadSlots(config),
    logins: limiter(),
    strangers: new RateLimiter(clock, () => {
      const most = config().stranger_requests_per_minute;
      return { burst: most, perMinute: most };
    }),
  };
}
