/** Sleep and the network: sleep is held off while files are on their way; what was missed meanwhile is caught up with at once. */
import { networkInterfaces } from 'node:os';
import { powerMonitor, powerSaveBlocker } from 'electron';

/** How often the network cards are looked at, in milliseconds: Electron tells of no change. */
const lookMs = 5000;

/**
 * Calls `catchUp` after a sleep and after a change of the network: the node notices both by itself in time, but its next
 * comparison with the other members may be hours away. @param every how often the cards are looked at, in milliseconds.
 */
export function followInterruptions(catchUp: () => void, every = lookMs): void {
  powerMonitor.on('resume', catchUp);
  let known = networkNow();
  setInterval(() => {
    const now = networkNow();
    if (now === known) return;
    known = now;
    // Without any network there is nobody to ask.
    if (now !== '') catchUp();
  }, every).unref();
}

/** The addresses that others reach this machine at, in one text. */
function networkNow(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((cards = []) => cards);
  const outside = addresses.filter(({ internal }) => !internal).map(({ cidr, mac }) => `${cidr} ${mac}`);
  return outside.sort().join('\n');
}

/** Keeps the machine awake while something is on its way; the screen may go dark. */
export class Wakefulness {
  #id: number | undefined;

  set(busy: boolean): void {
    if (busy && this.#id === undefined) this.#id = powerSaveBlocker.start('prevent-app-suspension');
    else if (!busy && this.#id !== undefined) {
      powerSaveBlocker.stop(this.#id);
      this.#id = undefined;
    }
  }
}
