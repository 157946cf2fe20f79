import type { RequestHandler } from 'express';
import type { HttpServices } from '../services.ts';

/** Limits how often a caller who may not manage asks for what costs the node something. Plain downloads do not. */
export function limitStrangers(services: HttpServices): RequestHandler {
  return (request, _response, next) => {
    const { access, protection } = services;
    const limited = services.config().stranger_requests_per_minute > 0;
    if (limited && !access.managerOf(request)) protection.strangers.take(access.addressOf(request));
    next();
  };
}
