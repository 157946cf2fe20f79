/** What a node and the program that started it with a channel (the desktop app) tell each other. */
import type { ErrorDescription, Language } from '../domain/errors.ts';

/** From the node. */
export type MessageToParent =
  | {
      readonly kind: 'ready';
      /** Where the HTTP interface is, as it can be opened on this host; ends in a slash. */
      readonly url: string;
      readonly port: number;
      readonly peerPort: number;
      /** Good for management until the node ends: `Authorization: Bearer <token>`. */
      readonly token: string;
    }
  | {
      /** It could not start, and ends. */
      readonly kind: 'failed';
      readonly code: string;
      readonly words: Readonly<Record<Language, ErrorDescription>>;
    };

/** To the node: end gracefully. A closed channel means the same. */
export interface MessageToNode {
  readonly kind: 'stop';
}
