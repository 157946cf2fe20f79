/** Numbers, sizes and times in the visitor's language. */
import i18next from 'i18next';

const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** A size: `1.4 MB`. Steps of 1024, as file managers count. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${formatNumber(value, digits)}\u00a0${units[unit]}`;
}

/** A number with the separators of the language. */
export function formatNumber(value: number, digits = 0): string {
  return new Intl.NumberFormat(i18next.language, { maximumFractionDigits: digits }).format(value);
}

/** Date and time. */
export function formatTime(ms: number): string {
  return new Intl.DateTimeFormat(i18next.language, { dateStyle: 'medium', timeStyle: 'short' }).format(ms);
}

/** A day `YYYYMMDD`. */
export function formatDay(day: string): string {
  const [year, month, date] = [day.slice(0, 4), day.slice(4, 6), day.slice(6, 8)].map(Number);
  return new Intl.DateTimeFormat(i18next.language, { month: 'short', day: 'numeric' }).format(
    new Date(year ?? 0, (month ?? 1) - 1, date),
  );
}

const steps = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;

/** How long ago or ahead: `3 minutes ago`. */
export function formatAgo(ms: number, now = Date.now()): string {
  const seconds = (ms - now) / 1000;
  const format = new Intl.RelativeTimeFormat(i18next.language, { numeric: 'auto' });
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  }
  return format.format(0, 'minute');
}

/** A duration: `2 min 5 s`. @param parts units that are named at most. */
export function formatDuration(seconds: number, parts = 2): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const all: [number, 'day' | 'hour' | 'minute' | 'second'][] = [
    [Math.floor(whole / 86_400), 'day'],
    [Math.floor((whole % 86_400) / 3600), 'hour'],
    [Math.floor((whole % 3600) / 60), 'minute'],
    [whole % 60, 'second'],
  ];
  const shown = all.filter(([value]) => value > 0).slice(0, parts);
  return (shown.length > 0 ? shown : [[0, 'second'] as const])
    .map(([value, unit]) =>
      new Intl.NumberFormat(i18next.language, { style: 'unit', unit, unitDisplay: 'short' }).format(value),
    )
    .join(' ');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that must not act.
const controls = /[\u0000-\u001f\u007f]/g;
const invisible = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\u061c\u180e]/g;

/** A name as it may be shown: what would turn text around, hide in it or break it stands there as a visible sign. */
export function visibleName(name: string): string {
  return name
    .replace(controls, (character) => String.fromCharCode(0x2400 + Math.min(character.charCodeAt(0), 0x21)))
    .replace(invisible, '\ufffd');
}
