/** /api/v1: signing in, sessions, the administrator's password and second factor, the audit log. */

import type { Request, Response } from 'express';
import type { Manager } from '../../access/management.ts';
import { sessionId } from '../../access/sessions.ts';
import { nodeNameOf } from '../../config/node-name.ts';
import { ShoalError } from '../../domain/errors.ts';
import { setUp, signIn, signOut } from '../protection/signing-in.ts';
import type { HttpServices } from '../services.ts';
import * as access from './access-contract.ts';
import { nothing } from './contract.ts';
import { readLog } from './log-reader.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'access';

/** The operations on who is signed in. Those that are open say so. */
export function sessionOperations(services: HttpServices): readonly Operation[] {
  return [...signingOperations(services), ...keptSessionOperations(services), ...accountOperations(services)];
}

function signingOperations(services: HttpServices): readonly Operation[] {
  const stateAfter = (request: Request, response: Response) =>
    stateOf(services, request, response.locals.manager as Manager | undefined);
  return [
    operation({
      id: 'whoAmI',
      method: 'get',
      path: '/session',
      tag,
      access: 'open',
      summary: 'Whether the caller may manage, and what signing in takes',
      answer: access.sessionState,
      handle: (_input, request) => stateOf(services, request, services.access.managerOf(request)),
    }),
    operation({
      id: 'signIn',
      method: 'post',
      path: '/login',
      tag,
      access: 'open',
      summary: 'Signs in; the session is a cookie. What changes something by it needs the header Origin of this node',
      body: access.signInBody,
      answer: access.sessionState,
      handle: async ({ body }, request, response) => {
        await signIn(services, request, response, body);
        return stateAfter(request, response);
      },
    }),
    operation({
      id: 'signOut',
      method: 'post',
      path: '/logout',
      tag,
      access: 'open',
      summary: 'Ends the session of the caller',
      answer: nothing,
      handle: async (_input, request, response) => {
        await signOut(services, request, response);
        return {};
      },
    }),
    operation({
      id: 'setUp',
      method: 'post',
      path: '/setup',
      tag,
      access: 'open',
      summary: 'Makes the first administrator and signs in',
      body: access.setupBody,
      answer: access.sessionState,
      handle: async ({ body }, request, response) => {
        services.access.checkPage(request);
        await setUp(services, request, response, { ...body, token: body.token });
        return stateAfter(request, response);
      },
    }),
  ];
}

function keptSessionOperations(services: HttpServices): readonly Operation[] {
  const { sessions } = services.protection;
  return [
    operation({
      id: 'listSessions',
      method: 'get',
      path: '/sessions',
      tag,
      summary: 'Who is signed in, from where',
      answer: access.sessions,
      handle: (_input, _request, response) => {
        const own = managerOf(response).session;
        return {
          sessions: sessions.list().map((session) => {
            const { name, by, address, agent, createdMs, seenMs, hash } = session;
            return { id: sessionId(session), current: hash === own?.hash, name, by, address, agent, createdMs, seenMs };
          }),
        };
      },
    }),
    operation({
      id: 'endSession',
      method: 'delete',
      path: '/sessions',
      tag,
      summary: 'Ends a session, or all others than the caller’s own',
      query: access.endSessionQuery,
      answer: nothing,
      handle: async ({ query }, _request, response) => {
        if (query.id === undefined) await sessions.endAll(managerOf(response).session);
        else await sessions.end(query.id);
        return {};
      },
    }),
    operation({
      id: 'readAudit',
      method: 'get',
      path: '/audit',
      tag,
      summary: 'The newest entries of the audit log: who changed what',
      query: access.auditQuery,
      answer: access.auditLines,
      handle: async ({ query }) => {
        const lines = await readLog(services.logFolder, 'audit', query.limit, 'info');
        return {
          entries: lines.flatMap((line) => {
            const entry = access.auditEntry.safeParse(line);
            return entry.success ? [entry.data] : [];
          }),
        };
      },
    }),
  ];
}

function accountOperations(services: HttpServices): readonly Operation[] {
  const { administrators, sessions, logins } = services.protection;
  /** A stolen session must not be turned into a stolen account; guesses count as attempts to sign in. */
  const asProof = async (
    request: Request,
    response: Response,
    proof: string | undefined,
    work: () => Promise<void>,
  ) => {
    if (managerOf(response).session === undefined) return work();
    if (proof === undefined) throw new ShoalError('LOGIN_REFUSED');
    const address = services.access.addressOf(request);
    logins.take(address);
    await work();
    logins.giveBack(address);
  };
  return [
    operation({
      id: 'changePassword',
      method: 'post',
      path: '/account/password',
      tag,
      summary: 'Sets the administrator’s password, and ends all other sessions',
      body: access.passwordBody,
      answer: nothing,
      handle: async ({ body }, request, response) => {
        const { session } = managerOf(response);
        await asProof(request, response, body.current, () =>
          administrators.changePassword(session ? (body.current ?? '') : undefined, body.next),
        );
        await sessions.endAll(session);
        return {};
      },
    }),
    operation({
      id: 'offerSecondFactor',
      method: 'post',
      path: '/account/second-factor',
      tag,
      summary: 'Makes a secret for an authenticator app; it counts once a code of it was confirmed',
      answer: access.offeredFactor,
      handle: () => administrators.offerSecondFactor(`Shoal ${nodeNameOf(services.config())}`),
    }),
    operation({
      id: 'confirmSecondFactor',
      method: 'post',
      path: '/account/second-factor/confirm',
      tag,
      summary: 'Switches the second factor on',
      body: access.confirmFactorBody,
      answer: nothing,
      handle: async ({ body }, request, response) => {
        await asProof(request, response, body.code, () => administrators.confirmSecondFactor(body.code));
        return {};
      },
    }),
    operation({
      id: 'removeSecondFactor',
      method: 'post',
      path: '/account/second-factor/remove',
      tag,
      summary: 'Switches the second factor off',
      body: access.removeFactorBody,
      answer: nothing,
      handle: async ({ body }, request, response) => {
        const { session } = managerOf(response);
        await asProof(request, response, body.code, () =>
          administrators.removeSecondFactor(session ? (body.code ?? '') : undefined),
        );
        return {};
      },
    }),
  ];
}

/** The guard of the API has put it there. */
function managerOf(response: Response): Manager {
  return response.locals.manager as Manager;
}

function stateOf(services: HttpServices, request: Request, manager: Manager | undefined): access.SessionState {
  const { administrators } = services.protection;
  const { current } = administrators;
  const { upload_policy, download_policy } = services.config();
  return {
    may: manager !== undefined,
    ...(manager && { by: manager.kind }),
    ...(manager?.session && { name: manager.session.name, id: sessionId(manager.session) }),
    address: services.access.addressOf(request),
    needs: { setup: current === undefined, code: current?.secondFactor !== undefined },
    upload: upload_policy,
    download: download_policy,
  };
}
