/** The commands that there are. A new one is a file beside this and a row here. */
import type { CommandName, Language } from '../index.ts';
import { backup } from './backup.ts';
import type { Command } from './command.ts';
import { importCommand } from './import.ts';
import { invite } from './invite.ts';
import { join } from './join.ts';
import { key } from './key.ts';
import { pack } from './pack.ts';
import { restore } from './restore.ts';
import { status } from './status.ts';
import { verify } from './verify.ts';

const commands: readonly Command[] = [status, key, invite, join, importCommand, verify, backup, restore, pack];

/** A command by its name; undefined for one that this version names but does not have. */
export function commandOf(name: CommandName): Command | undefined {
  return commands.find((command) => command.name === name);
}

/** What `shoal --help` tells of the commands. */
export function commandSummaries(language: Language): { readonly name: CommandName; readonly summary: string }[] {
  return commands.map((command) => ({ name: command.name, summary: command[language] }));
}

/** What `shoal <command> --help` prints. */
export function usageOf({ name, usage, ...summary }: Command, language: Language): string {
  const head = { en: 'Usage', zh: '用法' }[language];
  return `${head}:\n  shoal ${name} ${usage === '' ? '' : `${usage} `}[--data DIR]\n\n${summary[language]}`;
}
