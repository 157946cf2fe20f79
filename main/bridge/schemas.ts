/** What a page may hand over with each call. Anything else is refused before a handler sees it. */
import { z } from 'zod';
import type { CallName, DesktopCalls } from './contract.ts';

const storePath = z.string().min(1).max(4096);

/** The shapes of the calls' inputs. */
export const inputs: { readonly [Name in CallName]: z.ZodType<DesktopCalls[Name]['input']> } = {
  info: z.undefined(),
  openFile: z.strictObject({ path: storePath }),
  showInFolder: z.strictObject({ path: storePath }),
  startDrag: z.strictObject({ paths: z.array(storePath).min(1).max(200) }),
  endDrag: z.undefined(),
  copyLink: z.strictObject({ path: z.string().max(4096) }),
  uploaded: z.strictObject({ paths: z.array(storePath).min(1).max(10_000), folder: z.string().max(4096) }),
  progress: z.strictObject({ done: z.number().min(0).max(1).optional(), left: z.number().int().min(0) }),
  setTheme: z.strictObject({ theme: z.enum(['system', 'light', 'dark']) }),
  setLanguage: z.strictObject({ language: z.enum(['en', 'zh-CN']) }),
  setAutostart: z.strictObject({ on: z.boolean() }),
  setLinkAfterUpload: z.strictObject({ on: z.boolean() }),
} as const;
