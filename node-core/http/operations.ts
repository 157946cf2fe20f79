import type { RequestHandler } from 'express';
import { Router } from 'express';
import type { HttpServices } from './services.ts';
import { TrackedResponse } from './tracked-response.ts';

/** For those who run the node: is it alive, is it ready, what does it measure. */
export function operationRoutes(services: HttpServices): Router {
  const router = Router({ caseSensitive: true });
  const probe: RequestHandler = (_request, response, next) => {
    if (response instanceof TrackedResponse) response.kind = 'probe';
    response.setHeader('Cache-Control', 'no-store');
    next();
  };
  router.get('/healthz', probe, (_request, response) => {
    response.json({ status: 'ok', version: services.version });
  });
  router.get('/readyz', probe, async (_request, response) => {
    const reasons = await services.notReady();
    response.status(reasons.length === 0 ? 200 : 503).json({ status: reasons.length === 0 ? 'ok' : 'fail', reasons });
  });
  router.get('/metrics', probe, async (request, response) => {
    services.access.check(request);
    const { registry } = services.metrics;
    response.type(registry.contentType).send(await registry.metrics());
  });
  return router;
}
