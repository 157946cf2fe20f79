import { hostname } from 'node:os';
import type { Config } from './schema.ts';

/** The name that people know a node by: the configured one, else that of the machine. */
export function nodeNameOf({ node_name: name }: Pick<Config, 'node_name'>): string {
  return name || hostname();
}
