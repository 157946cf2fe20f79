/** Runs beside the page, in its sandbox: gives it `window.desktop`, which holds what the contract names and nothing else. */
import { contextBridge, ipcRenderer } from 'electron';
import { callNames, channelOf, commandChannel, type DesktopCommand } from './bridge/contract.ts';

const calls = Object.fromEntries(
  callNames.map((name) => [name, (input: unknown) => ipcRenderer.invoke(channelOf(name), input)]),
);

contextBridge.exposeInMainWorld('desktop', {
  ...calls,
  onCommand: (listener: (command: DesktopCommand) => void) => {
    // The event itself stays here: it would hand the page a way to the app.
    const onMessage = (_event: unknown, command: DesktopCommand) => listener(command);
    ipcRenderer.on(commandChannel, onMessage);
    return () => ipcRenderer.removeListener(commandChannel, onMessage);
  },
});
