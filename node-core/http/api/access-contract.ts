/** The shapes of /api/v1 that concern who may do what: signing in, sessions, links, the audit log. */
import { z } from 'zod';

const path = z.string().max(4096);
const time = z.number();
const count = z.number().int().nonnegative();
const password = z.string().max(1024);
const code = z.string().max(32).describe('one-time code of the authenticator app');
const name = z
  .string()
  .min(1)
  .max(64)
  .regex(/^\P{Cc}+$/u);

export const sessionState = z
  .object({
    may: z.boolean().describe('the caller may manage'),
    by: z
      .enum(['session', 'token', 'key', 'host', 'address'])
      .optional()
      .describe(
        'what gives the right: a login, the local token, the admin_key, a caller on the host, one of admin_ips',
      ),
    name: z.string().optional().describe('who is signed in'),
    id: z.string().optional().describe('the session'),
    address: z.string().describe('of the caller, as the node sees it'),
    needs: z
      .object({
        setup: z.boolean().describe('there is no administrator yet: POST /setup with the token of the setup link'),
        code: z.boolean().describe('signing in takes a one-time code besides the password'),
      })
      .describe('what signing in takes'),
    upload: z.enum(['open', 'token', 'session', 'off']).describe('upload_policy'),
    download: z.enum(['open', 'token', 'session', 'off']).describe('download_policy'),
  })
  .meta({ id: 'SessionState' });

export const signInBody = z
  .object({
    name: name.default('admin'),
    password: password.describe('of the administrator, or the admin_key of the configuration'),
    code: code.optional(),
  })
  .meta({ id: 'SignIn' });

export const setupBody = z
  .object({
    token: z.string().max(200).optional().describe('of the setup link; a caller who may manage needs none'),
    name: name.default('admin'),
    password: password.describe('8 to 1024 bytes'),
  })
  .meta({ id: 'Setup' });

export const session = z
  .object({
    id: z.string(),
    current: z.boolean().describe('the caller’s own'),
    name: z.string(),
    by: z.enum(['password', 'key', 'setup']),
    address: z.string().describe('where it was opened'),
    agent: z.string(),
    createdMs: time,
    seenMs: time.describe('last request, to the minute'),
  })
  .meta({ id: 'Session' });
export const sessions = z.object({ sessions: z.array(session).describe('seen last first') }).meta({ id: 'Sessions' });
export const endSessionQuery = z.object({
  id: z.string().max(64).optional().describe('one session; without it all others than the caller’s own'),
});

export const passwordBody = z
  .object({
    current: password.optional().describe('needed by who is signed in; keys and callers on the host need none'),
    next: password.describe('8 to 1024 bytes'),
  })
  .meta({ id: 'NewPassword' });

export const offeredFactor = z
  .object({
    secret: z.string().describe('base32; shown this once'),
    uri: z.string().describe('otpauth://, for a QR code'),
  })
  .meta({ id: 'OfferedSecondFactor' });
export const confirmFactorBody = z.object({ code }).meta({ id: 'ConfirmSecondFactor' });
export const removeFactorBody = z
  .object({ code: code.optional().describe('needed by who is signed in') })
  .meta({ id: 'RemoveSecondFactor' });

export const newLinkBody = z
  .object({
    path: path.describe('a file or a folder; empty for the whole store'),
    upload: z.boolean().default(false).describe('a link to put files into the folder, which shows nothing of it'),
    label: z.string().max(200).default(''),
    expiresMs: time.optional(),
    password: password.optional().describe('8 to 1024 bytes'),
    maxUses: z.number().int().min(1).max(1_000_000_000).optional().describe('downloads, or files uploaded'),
  })
  .meta({ id: 'NewLink' });

export const link = z
  .object({
    id: z.string(),
    kind: z.enum(['file', 'folder', 'upload']),
    path,
    url: z.string().describe('the link; who has it may use it'),
    label: z.string(),
    state: z.enum(['good', 'expired', 'revoked', 'used-up']),
    createdMs: time,
    by: z.string(),
    expiresMs: time.optional(),
    hasPassword: z.boolean(),
    maxUses: count.optional(),
    uses: count,
  })
  .meta({ id: 'Link' });
export const linksQuery = z.object({
  path: path.optional().describe('only links to exactly this path'),
  cursor: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});
export const linkPage = z
  .object({ links: z.array(link).describe('newest first'), cursor: z.string().optional() })
  .meta({ id: 'LinkPage' });
export const linkQuery = z.object({ id: z.string().max(64) });

export const auditQuery = z.object({ limit: z.coerce.number().int().min(1).max(2000).default(200) });
export const auditEntry = z
  .object({
    time,
    who: z.string().describe('who was signed in, or what gave the right, or nobody'),
    address: z.string(),
    session: z.string().optional(),
    action: z.string().describe('id of an operation, or an action of go-fastdfs'),
    target: z.string(),
    outcome: z.enum(['done', 'refused', 'failed']),
    status: z.number(),
    error: z.string().optional().describe('code of the error'),
  })
  .meta({ id: 'AuditEntry' });
export const auditLines = z
  .object({ entries: z.array(auditEntry).describe('newest first') })
  .meta({ id: 'AuditLines' });

export type SessionState = z.infer<typeof sessionState>;
export type Link = z.infer<typeof link>;
