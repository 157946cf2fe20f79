/** What the audit log holds: who changed what in the management of the node, and how it ended. */

/** One line. */
export interface AuditEntry {
  /** Name of who is signed in, else what gave the right: `key`, `token`, `host`, `address`; `nobody` had none. */
  readonly who: string;
  readonly address: string;
  /** See sessionId. */
  readonly session?: string;
  /** Id of an operation of /api/v1, or the name of an action of go-fastdfs. */
  readonly action: string;
  /** What it was done to. */
  readonly target: string;
  readonly outcome: 'done' | 'refused' | 'failed';
  readonly status: number;
  /** Code of the error, if it ended in one. */
  readonly error?: string;
}
