/** What helps whoever is asked for help. Holds neither names of files nor tokens. */
import { arch, release } from 'node:os';
import { app } from 'electron';
import type { NodeHost } from './node/node-host.ts';
import type { DesktopSettings } from './settings.ts';

/** @returns a text of several lines. */
export function diagnosticsOf(host: NodeHost, settings: DesktopSettings): string {
  const { httpPort, peerPort, theme, language, updateFeed } = settings;
  const lines = [
    `Shoal ${app.getVersion()}${app.isPackaged ? '' : ' (from its sources)'}`,
    `Electron ${process.versions.electron}, Chromium ${process.versions.chrome}, Node ${process.versions.node}`,
    `${process.platform} ${release()} ${arch()}`,
    `node: ${host.state}${host.pid === undefined ? '' : `, process ${host.pid}`}, ports ${httpPort} and ${peerPort}`,
    `theme ${theme}, language ${language ?? 'of the system'}, updates ${updateFeed === '' ? 'off' : 'on'}`,
    'last lines of the node:',
    ...host.output.slice(-30).map((line) => `  ${line.replace(/([?&/](?:token|s|setup)[=/])[\w-]+/gi, '$1***')}`),
  ];
  return lines.join('\n');
}
