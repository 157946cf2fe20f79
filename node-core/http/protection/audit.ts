/** The audit log: who changed what in the management of the node, and how it ended. No secret ever goes in. */
import type { Request, RequestHandler } from 'express';
import type { Manager } from '../../access/management.ts';
import { sessionId } from '../../access/sessions.ts';
import { allParameters } from '../compat/parameters.ts';
import type { HttpServices } from '../services.ts';
import { TrackedResponse } from '../tracked-response.ts';

/** Fields that name what something is done to. Everything else of a request stays out of the log. */
const namingFields = ['path', 'from', 'to', 'id', 'md5', 'date', 'action', 'name', 'recursive', 'replace'] as const;

const maxTargetCharacters = 500;

/**
 * Writes an entry when the answer has been given. What strangers are refused is not of it, or they could push out what
 * was done; what is open to strangers (`always`: signing in) is, and has a limit of its own.
 */
export function auditAction(services: HttpServices, action: string, always = false): RequestHandler {
  return (request, response, next) => {
    const address = services.access.addressOf(request);
    response.once('close', () => {
      const manager = response.locals.manager as Manager | undefined;
      const { statusCode: status } = response;
      if ((!manager && !always) || status === 429) return;
      const code = response instanceof TrackedResponse ? response.errorCode : undefined;
      services.audit({
        who: manager ? (manager.session?.name ?? manager.kind) : 'nobody',
        address,
        ...(manager?.session && { session: sessionId(manager.session) }),
        action,
        target: targetOf(request),
        outcome: status < 400 ? 'done' : status < 500 ? 'refused' : 'failed',
        status,
        ...(code !== undefined && { error: code }),
      });
    });
    next();
  };
}

function targetOf(request: Request): string {
  const given = allParameters(request);
  const parts = namingFields.flatMap((name) => (given[name] === undefined ? [] : [`${name}=${given[name]}`]));
  const { changes } = (request.body ?? {}) as { readonly changes?: unknown };
  if (typeof changes === 'object' && changes !== null) parts.push(`keys=${Object.keys(changes).join(',')}`);
  return parts.join(' ').slice(0, maxTargetCharacters);
}
