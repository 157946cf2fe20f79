/** Where things of the app stand: its own files, the node's program, and the Node that runs it. */
import path from 'node:path';
import { app } from 'electron';
import type { NodeStart } from './node/node-host.ts';

/** A picture of the build: always a plain file, because not everything that shows one can read an asar. */
export function iconFile(name: string): string {
  return path.join(app.isPackaged ? process.resourcesPath : __dirname, 'icons', name);
}

/** The packages that are part of the app, with their licences: one a line. Made by the build. */
export const licencesFile = path.join(__dirname, 'licences.txt');

/** Absolute path of the preload script. */
export const preloadFile = path.join(__dirname, 'preload.cjs');

/** The node's program and a real Node: shipped beside a packaged app, in development those of the repository. */
export function nodeProgram(): Pick<NodeStart, 'executable' | 'program'> {
  if (app.isPackaged) {
    const name = process.platform === 'win32' ? 'shoal-node.exe' : 'shoal-node';
    const folder = path.join(process.resourcesPath, 'node');
    return { executable: path.join(folder, name), program: path.join(folder, 'dist', 'node-core', 'shoal.cjs') };
  }
  return {
    // What runs npm says so; whoever starts Electron by hand has a Node in the path.
    executable: process.env.SHOAL_NODE ?? 'node',
    program: path.join(__dirname, '..', 'node-core', 'shoal.cjs'),
  };
}
