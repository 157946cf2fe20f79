/** Sleep: held off while files are on their way, and made up for afterwards. */
import { powerMonitor, powerSaveBlocker } from 'electron';

/** Calls `catchUp` after a sleep: what happened meanwhile is asked for at once, not at the next turn of a timer. */
export function followSleep(catchUp: () => void): void {
  powerMonitor.on('resume', catchUp);
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
