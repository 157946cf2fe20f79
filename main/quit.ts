/** Quitting: asked about while files are on their way into the node, and only done when the node has ended well. */
import { app, dialog } from 'electron';
import type { Say } from './words.ts';

/** What quitting needs of the app. */
export interface QuitOptions {
  readonly say: Say;
  /** How many uploads of the page are under way. */
  readonly uploading: () => number;
  /** Ends what must end first. */
  readonly stop: () => Promise<void>;
}

/** Makes `app.quit()` do all that. */
export class Quitting {
  readonly #options: QuitOptions;
  #state: 'no' | 'asking' | 'stopping' | 'stopped' = 'no';

  constructor(options: QuitOptions) {
    this.#options = options;
    app.on('before-quit', (event) => {
      if (this.#state === 'stopped') return;
      event.preventDefault();
      if (this.#state === 'no') void this.#begin();
    });
    // The system ends, or whoever started the app ends it: nobody is there to answer.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void this.#stop());
  }

  /** The windows may close now. */
  get isQuitting(): boolean {
    return this.#state === 'stopping' || this.#state === 'stopped';
  }

  async #begin(): Promise<void> {
    const count = this.#options.uploading();
    if (count > 0) {
      this.#state = 'asking';
      const { say } = this.#options;
      const { response } = await dialog.showMessageBox({
        type: 'question',
        message: say('quitTitle', { count }),
        detail: say('quitText'),
        buttons: [say('quitLater'), say('quit')],
        defaultId: 0,
        cancelId: 0,
      });
      if (response === 0) {
        this.#state = 'no';
        return;
      }
    }
    await this.#stop();
  }

  async #stop(): Promise<void> {
    if (this.isQuitting) return;
    this.#state = 'stopping';
    await this.#options.stop();
    this.#state = 'stopped';
    app.quit();
  }
}
