/** Signing in and out, for the API and the pages alike. */
import type { Request, Response } from 'express';
import { setCookie } from '../../access/cookies.ts';
import type { NewSession } from '../../access/sessions.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { HttpServices } from '../services.ts';

/** What somebody signs in with. */
export interface SignIn {
  readonly name: string;
  readonly password: string;
  readonly code?: string | undefined;
}

/**
 * Checks the credentials and opens a session. A browser's page of another site cannot do it for its visitor.
 * @throws ShoalError LOGIN_REFUSED, LOGIN_CODE_NEEDED, TOO_MANY_REQUESTS, CROSS_SITE_REFUSED, HOST_REFUSED.
 */
export async function signIn(
  services: HttpServices,
  request: Request,
  response: Response,
  credentials: SignIn,
): Promise<void> {
  const { administrators, logins } = services.protection;
  services.access.checkPage(request);
  const address = services.access.addressOf(request);
  // Taken before and given back after a success: guesses that run at the same time count each.
  logins.take(address);
  const by = await counted(services, () => administrators.authenticate(credentials));
  logins.giveBack(address);
  await startSession(services, request, response, administrators.current?.name ?? credentials.name, by);
}

/**
 * Makes the administrator and signs in.
 * @param token of the setup link; who may manage needs none.
 * @throws ShoalError SETUP_REFUSED, SETUP_DONE, PASSWORD_UNFIT, TOO_MANY_REQUESTS.
 */
export async function setUp(
  services: HttpServices,
  request: Request,
  response: Response,
  wanted: { readonly token: string | undefined; readonly name: string; readonly password: string },
): Promise<void> {
  const { administrators, setupLink, logins } = services.protection;
  if (administrators.current) throw new ShoalError('SETUP_DONE');
  const address = services.access.addressOf(request);
  if (wanted.token === undefined) {
    services.access.check(request);
  } else {
    logins.take(address);
    const { token } = wanted;
    await counted(services, async () => {
      if (!setupLink.matches(token)) throw new ShoalError('SETUP_REFUSED');
    });
    logins.giveBack(address);
  }
  await administrators.setUp(wanted.name, wanted.password);
  await setupLink.close();
  await startSession(services, request, response, wanted.name, 'setup');
}

/** Ends the session of the request, if it has one, and takes the cookie away. */
export async function signOut(services: HttpServices, request: Request, response: Response): Promise<void> {
  services.access.checkPage(request);
  const { sessions, sessionCookie } = services.protection;
  const session = services.access.managerOf(request)?.session;
  if (session) await sessions.endAllOf([session]);
  response.append('Set-Cookie', setCookie(sessionCookie, '', cookieOptions(services, request, 0)));
}

/** Counts what was wrong, for those who watch over attacks. */
async function counted<T>({ metrics }: HttpServices, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ShoalError && error.status === 401) metrics.count('failedLogins');
    throw error;
  }
}

async function startSession(
  services: HttpServices,
  request: Request,
  response: Response,
  name: string,
  by: NewSession['by'],
): Promise<void> {
  const { sessions, sessionCookie } = services.protection;
  const address = services.access.addressOf(request);
  const text = await sessions.open({ name, by, address, agent: request.headers['user-agent'] ?? '' });
  const maxAgeSeconds = services.config().session_max_days * 86_400;
  response.append('Set-Cookie', setCookie(sessionCookie, text, cookieOptions(services, request, maxAgeSeconds)));
  // Who signed in here did what follows; the audit log names them.
  response.locals.manager = { kind: 'session', address, session: sessions.find(text) };
}

function cookieOptions(services: HttpServices, request: Request, maxAgeSeconds: number) {
  return { path: '/', sameSite: 'strict', secure: services.access.isSecure(request), maxAgeSeconds } as const;
}
