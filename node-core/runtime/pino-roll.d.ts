declare module 'pino-roll' {
  import type { SonicBoom, SonicBoomOpts } from 'sonic-boom';

  /** Options of pino-roll that this project uses; it ships no types of its own. */
  export interface PinoRollOptions extends SonicBoomOpts {
    readonly file: string;
    readonly extension?: string;
    /** `20m` is 20 MiB. */
    readonly size?: string;
    readonly limit?: { readonly count: number; readonly removeOtherLogFiles?: boolean };
  }

  export default function pinoRoll(options: PinoRollOptions): Promise<SonicBoom>;
}
