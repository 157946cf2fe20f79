/** Calendar days and minutes in the node's own time zone, as go-fastdfs writes them in paths and statistics. */

/** `YYYYMMDD`. */
export type Day = string;

/** The day of a moment, in local time. @param ms milliseconds since 1970. */
export function dayOf(ms: number): Day {
  const date = new Date(ms);
  return `${String(date.getFullYear()).padStart(4, '0')}${two(date.getMonth() + 1)}${two(date.getDate())}`;
}

/** `YYYYMMDD/HH/mm`, the dated folder of an upload, in local time. */
export function datedFolder(ms: number): string {
  const date = new Date(ms);
  return `${dayOf(ms)}/${two(date.getHours())}/${two(date.getMinutes())}`;
}

/** True for a well-formed day that exists in the calendar. */
export function isDay(text: string): boolean {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(text);
  if (!match) return false;
  const date = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  return dayOf(date.getTime()) === text;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
