/** The shapes of /api/v1 that concern what all members go by. */
import { z } from 'zod';

import { sceneSecret } from '../../domain/scene-secret.ts';

const door = z.enum(['open', 'token', 'session', 'off']);

const wish = {
  upload: door.describe('who may upload, at least: a node may ask for more by its upload_policy'),
  download: door.describe('who may download, at least'),
  minReplicas: z.number().int().min(1).max(64).describe('an upload is answered when so many members hold it'),
  scenes: z.array(z.string().regex(sceneSecret)).max(1000).describe('secrets of scenes, as `scene:secret`'),
};

export const policyBody = z.object(wish).meta({ id: 'NewClusterPolicy' });

export const policy = z
  .object({
    ...wish,
    by: z.string().optional().describe('who set it'),
    node: z.string().optional().describe('id of the member where it was set'),
    effective: z
      .object({ upload: door, download: door, minReplicas: z.number().int() })
      .describe('what counts on this node: the stricter of the policy and its own configuration'),
  })
  .meta({ id: 'ClusterPolicy' });
