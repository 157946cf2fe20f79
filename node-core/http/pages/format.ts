/** Figures as people read them. */

/** Bytes with a binary unit: `1.5 MiB`. */
export function sizeText(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1024) return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} TiB`;
}

/** A count with separators between thousands. */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}
