/** The shapes of /api/v1 that concern trust of the network. */
import { z } from 'zod';

const count = z.number().int().nonnegative();

export const trustBody = z
  .object({ minutes: z.number().min(0.05).max(60).default(15).describe('how long the window stays open') })
  .meta({ id: 'OpenTrust' });

export const trustAdmission = z
  .object({ node: z.string().regex(/^[0-9a-f]{64}$/), admit: z.boolean() })
  .meta({ id: 'TrustAdmission' });

export const trustState = z
  .object({
    open: z.boolean(),
    leftMs: count.describe('how long the window stays open'),
    waiting: z
      .array(z.object({ node: z.string(), name: z.string(), address: z.string(), files: count }))
      .describe('nodes that would come in where there are members or files already: somebody has to say yes'),
  })
  .meta({ id: 'TrustState' });
