import type { RequestHandler } from 'express';

/** What every page, answer of the API and refusal says to browsers: take it for what it is, show it in nobody's frame. */
export const securityHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'same-origin',
} as const;

/** Sets them before anything else is done. Pages bring a Content-Security-Policy of their own (pages/html.ts). */
export const sendSecurityHeaders: RequestHandler = (_request, response, next) => {
  response.set(securityHeaders);
  next();
};
