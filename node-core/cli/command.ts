/**
 * node-core/cli: the commands of the command line, one file each. They know `node-core/index.ts` only, and speak to a node
 * over HTTP like any other client (`node-client.ts`).
 */
import type { CommandName, Language } from '../index.ts';

/** What a command is run with. */
export interface CommandContext {
  /** Everything behind the command, without `--data DIR`. */
  readonly args: readonly string[];
  readonly dataDir: string;
  readonly language: Language;
  /** Whether standard output is a terminal. */
  readonly terminal: boolean;
  /** Prints one line to standard output. */
  readonly print: (line: string) => void;
}

/** One command. */
export interface Command {
  readonly name: CommandName;
  /** What may stand behind the name, such as `<dir> [--dry-run]`; empty for nothing. */
  readonly usage: string;
  readonly en: string;
  readonly zh: string;
  /** @returns the exit code. @throws ShoalError or RefusedByNode: one line, exit code 1. */
  readonly run: (context: CommandContext) => Promise<number>;
}
