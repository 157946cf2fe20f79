import type { Request, RequestHandler } from 'express';
import type { HttpServices } from '../services.ts';

/** Limits how often a caller who may not manage asks for what costs the node something. Plain downloads do not. */
export function limitStrangers(services: HttpServices): RequestHandler {
  return (request, _response, next) => {
    countStranger(services, request);
    next();
  };
}

/** Counts one such request. @throws ShoalError TOO_MANY_REQUESTS. */
export function countStranger({ config, access, protection }: HttpServices, request: Request): void {
  if (config().stranger_requests_per_minute === 0 || access.managerOf(request)) return;
  protection.strangers.take(access.addressOf(request));
}
