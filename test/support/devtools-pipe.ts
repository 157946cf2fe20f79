/**
 * Drives the page of a program through Chromium's own protocol over a pipe (`--remote-debugging-pipe`): for packed apps,
 * whose fuses let nobody into the main process, and which know no browser contexts. Messages are JSON, ended by NUL.
 */
import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { eventually } from './eventually.ts';

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** The one page of the program. */
export class PipedPage {
  readonly #out: Writable;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;
  #session: string | undefined;

  /** @param child started with pipes as its third and fourth descriptor. */
  constructor(child: ChildProcess) {
    this.#out = child.stdio[3] as Writable;
    let text = '';
    (child.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      const [...whole] = (text + chunk).split('\0');
      text = whole.pop() ?? '';
      for (const message of whole) this.#hear(JSON.parse(message) as Answer);
    });
  }

  #hear(answer: Answer): void {
    if (answer.id === undefined) return;
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  }

  /** Sends a command. @throws Error with what the program refused it for. */
  async send<Result>(method: string, params: object = {}): Promise<Result> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#out.write(`${JSON.stringify({ id, method, params, sessionId: this.#session })}\0`);
    const { result, error } = await answered;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result as Result;
  }

  /** Waits for a page at an address and stays with it. @returns the address. */
  async attach(url: RegExp): Promise<string> {
    let found: { readonly targetId: string; readonly url: string } | undefined;
    await eventually(async () => {
      const { targetInfos } = await this.send<{ targetInfos: { targetId: string; url: string }[] }>(
        'Target.getTargets',
      );
      found = targetInfos.find((one) => url.test(one.url));
      return found !== undefined;
    }, `a page at ${url}`);
    if (!found) throw new Error('the page is gone');
    const params = { targetId: found.targetId, flatten: true };
    this.#session = (await this.send<{ sessionId: string }>('Target.attachToTarget', params)).sessionId;
    // The address is told before the page is there: what is evaluated meanwhile, the page before it answers.
    const isThere = `${url}.test(location.href)`;
    await eventually(
      async () => (await this.evaluate(isThere).catch(() => false)) === true,
      `a page that has come to ${url}`,
    );
    return found.url;
  }

  /** Evaluates an expression in the page; promises are waited for. */
  async evaluate(expression: string): Promise<unknown> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send<{
      result: { value?: unknown };
      exceptionDetails?: { text: string };
    }>('Runtime.evaluate', params);
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result.value;
  }

  /** Clicks the button with a text when it is there. */
  async click(text: string): Promise<void> {
    const find = `[...document.querySelectorAll('button')].find((one) => one.textContent === ${JSON.stringify(text)} && !one.disabled)`;
    await eventually(async () => (await this.evaluate(`${find} !== undefined`)) === true, `a button "${text}"`);
    await this.evaluate(`${find}.click()`);
  }

  /** Chooses files for an input, as a user does. */
  async chooseFiles(selector: string, files: readonly string[]): Promise<void> {
    const { root } = await this.send<{ root: { nodeId: number } }>('DOM.getDocument');
    const query = { nodeId: root.nodeId, selector };
    const { nodeId } = await this.send<{ nodeId: number }>('DOM.querySelector', query);
    await this.send('DOM.setFileInputFiles', { files, nodeId });
  }
}
