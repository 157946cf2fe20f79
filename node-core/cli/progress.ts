/** How far long work is, on standard error: a bar on a terminal, now and then a line elsewhere. */
import cliProgress from 'cli-progress';
import type { Language } from '../index.ts';
import { size } from './status.ts';

/** Time between two lines where there is no terminal, in milliseconds. */
const lineEveryMs = 5000;

/** What a file counts besides its bytes, so that many small ones move the bar too. */
const bytesPerFile = 4096;

/** Files and their bytes. */
export interface Amount {
  readonly files: number;
  readonly bytes: number;
}

const words = {
  en: { files: 'files', left: 'left', counting: 'counting ...' },
  zh: { files: '个文件', left: '剩余', counting: '正在统计……' },
} as const;

/** Shows one piece of work. Ends with {@link end}. */
export class Progress {
  readonly #words: (typeof words)[Language];
  readonly #bar: cliProgress.SingleBar | undefined;
  readonly #startedMs = performance.now();
  #lineMs = Number.NEGATIVE_INFINITY;
  #begun = false;

  constructor(language: Language) {
    this.#words = words[language];
    if (process.stderr.isTTY === true) {
      this.#bar = new cliProgress.SingleBar(
        { format: '{bar} {percentage}% {text}', stream: process.stderr, hideCursor: true, etaBuffer: 1 },
        cliProgress.Presets.shades_classic,
      );
    }
  }

  /** @param total undefined while it is counted. */
  show(done: Amount, total: Amount | undefined): void {
    const text = total ? this.#describe(done, total) : this.#words.counting;
    if (this.#bar) {
      const [value, whole] = total ? [weight(done), Math.max(1, weight(total))] : [0, 1];
      if (!this.#begun) this.#bar.start(whole, value, { text });
      this.#bar.setTotal(whole);
      this.#bar.update(value, { text });
    } else if (performance.now() - this.#lineMs >= lineEveryMs) {
      this.#lineMs = performance.now();
      process.stderr.write(`${text}\n`);
    }
    this.#begun = true;
  }

  end(): void {
    this.#bar?.stop();
  }

  #describe(done: Amount, total: Amount): string {
    const seconds = Math.max(0.001, (performance.now() - this.#startedMs) / 1000);
    const share = weight(done) / Math.max(1, weight(total));
    const left = share > 0 ? Math.round((seconds * (1 - share)) / share) : undefined;
    const parts = [
      `${done.files}/${total.files} ${this.#words.files}`,
      `${size(done.bytes)}/${size(total.bytes)}`,
      `${size(Math.round(done.bytes / seconds))}/s`,
      ...(left === undefined ? [] : [`${this.#words.left} ${clock(left)}`]),
    ];
    return parts.join(', ');
  }
}

function weight({ files, bytes }: Amount): number {
  return bytes + files * bytesPerFile;
}

/** `1:02:03` or `2:03`. */
function clock(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
