/** Length of a date in a head, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7). */
const dateLength = 29;

let dateSecond = -1;
let dateText = '';

function httpDate(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}

/** A whole answer, head and body in one piece of memory, ready to be sent again with the date of the moment. */
export class RenderedAnswer {
  /** The head as it went out the first time, empty line included. */
  readonly head: string;
  readonly #dateAt: number;
  #bytes: Buffer;
  #date: string;

  /** @param head as Node rendered it; it must hold a Date. */
  constructor(head: string, body: Buffer) {
    const dateAt = head.indexOf('\r\nDate: ') + '\r\nDate: '.length;
    this.head = head;
    this.#dateAt = dateAt;
    this.#date = head.slice(dateAt, dateAt + dateLength);
    this.#bytes = Buffer.concat([Buffer.from(head, 'latin1'), body]);
  }

  /** Whether a head can be sent again: it holds a date where one is looked for. */
  static fits(head: string): boolean {
    const dateAt = head.indexOf('\r\nDate: ');
    return dateAt > 0 && head.slice(dateAt + '\r\nDate: '.length + dateLength).startsWith('\r\n');
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /** The bytes to send. They are never written to again: a new second gets a copy, a socket may still hold the old one. */
  at(nowMs: number): Buffer {
    const date = httpDate(nowMs);
    if (date !== this.#date) {
      this.#bytes = Buffer.from(this.#bytes);
      this.#bytes.write(date, this.#dateAt, 'latin1');
      this.#date = date;
    }
    return this.#bytes;
  }
}
