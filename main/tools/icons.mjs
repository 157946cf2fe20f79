// Every picture of the app from the one drawing in assets/icon.svg: PNG in all sizes, Windows' and macOS' collections of
// them, the tray's with its dot.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';

/** What the dot on the tray icon looks like in each state; in step it has none. */
const trayDots = { ready: undefined, working: '#2f9e44', paused: '#868e96', offline: '#e8590c', problem: '#e03131' };

/** Side length of the drawing's own coordinates. */
const drawn = 64;

function draw(svg, size) {
  return sharp(Buffer.from(svg), { density: 72 * (size / drawn) * 4 })
    .resize(size, size)
    .png()
    .toBuffer();
}

/** What the app shows while it runs: into `folder`. */
export async function makeAppIcons(svgFile, folder) {
  await mkdir(folder, { recursive: true });
  const icon = await readFile(svgFile, 'utf8');
  await writeFile(path.join(folder, 'icon.png'), await draw(icon, 512));
  await writeFile(path.join(folder, 'drag.png'), await draw(icon, 64));
  for (const [state, colour] of Object.entries(trayDots)) {
    const dot = `<circle cx="48" cy="48" r="14" fill="${colour}" stroke="#fff" stroke-width="4"/>`;
    const picture = colour ? icon.replace('</svg>', `${dot}</svg>`) : icon;
    await writeFile(path.join(folder, `tray-${state}.png`), await draw(picture, 32));
    await writeFile(path.join(folder, `tray-${state}@2x.png`), await draw(picture, 64));
  }
}

/** What the systems show for the installed app: `NxN.png`, icon.ico and icon.icns into `folder`. */
export async function makePackageIcons(svgFile, folder) {
  await mkdir(folder, { recursive: true });
  const svg = await readFile(svgFile, 'utf8');
  const bySize = new Map();
  for (const size of [16, 24, 32, 48, 64, 128, 256, 512, 1024]) {
    bySize.set(size, await draw(svg, size));
    await writeFile(path.join(folder, `${size}x${size}.png`), bySize.get(size));
  }
  await writeFile(path.join(folder, 'icon.ico'), windowsIcon([16, 24, 32, 48, 64, 128, 256], bySize));
  await writeFile(path.join(folder, 'icon.icns'), macIcon(bySize));
}

/** ICO: a directory of 16 bytes for each picture, then the pictures as PNG (Windows Vista and newer). */
function windowsIcon(sizes, bySize) {
  const head = Buffer.alloc(6 + 16 * sizes.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(sizes.length, 4);
  let offset = head.length;
  sizes.forEach((size, index) => {
    const at = 6 + 16 * index;
    // 0 stands for 256.
    head.writeUInt8(size % 256, at);
    head.writeUInt8(size % 256, at + 1);
    head.writeUInt16LE(1, at + 4);
    head.writeUInt16LE(32, at + 6);
    head.writeUInt32LE(bySize.get(size).length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += bySize.get(size).length;
  });
  return Buffer.concat([head, ...sizes.map((size) => bySize.get(size))]);
}

/** Types of the pictures of an ICNS file, with their sizes in pixels; `ic11` to `ic14` are those of dense screens. */
const macTypes = { ic07: 128, ic08: 256, ic09: 512, ic10: 1024, ic11: 32, ic12: 64, ic13: 256, ic14: 512 };

/** ICNS: 'icns' and the length of all, then for each picture its type, its length with these eight bytes, and the PNG. */
function macIcon(bySize) {
  const pieces = Object.entries(macTypes).map(([type, size]) => piece(type, bySize.get(size)));
  return piece('icns', Buffer.concat(pieces));
}

function piece(type, content) {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32BE(content.length + 8, 4);
  return Buffer.concat([head, content]);
}
