/**
 * The steps of joining, as they are sent: `POST /peer/v1/join/<step>`.
 *
 *     key, invite, lan:   begin -> prove -> admit
 *     pairing:            begin -> reveal -> wait ... -> admit
 *
 * `begin` tells nothing but fresh numbers. Both sides prove that they know the secret, or (pairing) show six digits that people
 * compare, before either tells anything of itself; lists of members are exchanged in the last step.
 */
import { z } from 'zod';
import { nameShape, summaryShape } from './merge-rule.ts';

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const session = hex(32);
const nonce = hex(64);
const operations = z.array(z.unknown()).max(10_000);

/** Shapes of what is asked and answered in each step. */
export const joinSteps = {
  begin: {
    question: z.object({
      way: z.enum(['key', 'invite', 'lan', 'pairing']),
      /** The joiner's number; for pairing only what it is bound to. */
      nonce: nonce,
      invite: hex(16).exactOptional(),
    }),
    answer: z.object({ session, nonce }),
  },
  prove: {
    question: z.object({ session, proof: nonce, summary: summaryShape }),
    answer: z.object({ proof: nonce, summary: summaryShape }),
  },
  reveal: {
    question: z.object({ session, nonce, summary: summaryShape }),
    answer: z.object({ nonce, name: nameShape }),
  },
  wait: {
    question: z.object({ session }),
    /** Of itself the other side tells more than its name once somebody has approved. */
    answer: z.object({ state: z.enum(['waiting', 'approved', 'refused']), summary: summaryShape.exactOptional() }),
  },
  admit: {
    question: z.object({ session, operations }),
    answer: z.object({ operations }),
  },
} as const;

/** The name of a step. */
export type JoinStep = keyof typeof joinSteps;
