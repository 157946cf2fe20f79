/** The app's end of the bridge: who asks is checked, then what they ask. */
import { type IpcMainInvokeEvent, ipcMain } from 'electron';
import { type CallName, callNames, channelOf, type DesktopCalls } from './contract.ts';
import { inputs } from './schemas.ts';

/** What is done for each call. */
export type Handlers = {
  readonly [Name in CallName]: (
    input: DesktopCalls[Name]['input'],
  ) => DesktopCalls[Name]['output'] | Promise<DesktopCalls[Name]['output']>;
};

/** Serves the calls. @param isOurs whether a sender is the app's own page of its own node. */
export function serveBridge(handlers: Handlers, isOurs: (event: IpcMainInvokeEvent) => boolean): void {
  for (const name of callNames) serve(name, handlers[name], isOurs);
}

function serve<Name extends CallName>(
  name: Name,
  handle: Handlers[Name],
  isOurs: (event: IpcMainInvokeEvent) => boolean,
): void {
  ipcMain.handle(channelOf(name), (event, input: unknown) => {
    if (!isOurs(event)) throw new Error(`${name}: only the app's own page may ask`);
    const checked = inputs[name].safeParse(input);
    if (!checked.success) throw new Error(`${name}: ${checked.error.issues[0]?.message ?? 'not understood'}`);
    return handle(checked.data);
  });
}
