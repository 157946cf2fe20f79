/**
 * The process that decodes, scales and encodes. Images come from strangers: what crashes, hangs or eats memory here is a
 * process that the node can kill (image-pool.ts), and the libraries for it are loaded nowhere else.
 *
 * Speaks over IPC: an ImageJob in, an ImageOutcome out, one at a time. Ends when the node does.
 */
import { readFile } from 'node:fs/promises';
import sharp, { type Metadata, type Sharp } from 'sharp';
import type { ImageFault, ImageJob, ImageOutcome } from './image-job.ts';
import { type ImageFormat, type ImageRecipe, imageFormats } from './image-recipe.ts';

/** The loaders that may run, all of them from memory: a file loader could follow references to other files. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif', 'Tiff', 'Svg'].map((name) => `VipsForeignLoad${name}Buffer`);

/** Frames of an animation that are kept; more are an attack or a film. */
const maxFrames = 500;

/** Pixels an inch for drawings; others are drawn as large as they are asked for. */
const svgDensity = { least: 1, usual: 72, most: 2400 };

sharp.cache(false);
sharp.concurrency(1);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: loaders });

class FaultError extends Error {
  readonly fault: ImageFault;

  constructor(fault: ImageFault, reason: string) {
    super(reason);
    this.fault = fault;
  }
}

process.on('disconnect', () => process.exit(0));
process.on('message', (job: ImageJob) => {
  make(job).then(answer, (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    answer({ fault: error instanceof FaultError ? error.fault : 'DAMAGED', reason });
  });
});

function answer(outcome: ImageOutcome): void {
  process.send?.(outcome);
}

async function make({ input, output, recipe, maxPixels }: ImageJob): Promise<ImageOutcome> {
  const bytes = await readFile(input);
  const metadata = await describe(bytes);
  const { width = 0, height = 0, pages = 1 } = metadata;
  const format = outputFormat(recipe, metadata);
  const frames = isAnimation(format) ? Math.min(pages, maxFrames) : 1;
  // A drawing has no pixels of its own: its size only says in which ratio.
  if (metadata.format !== 'svg' && width * height * frames > maxPixels)
    throw new FaultError('TOO_LARGE', `${width} x ${height} pixels`);
  const image = sharp(bytes, {
    failOn: 'truncated',
    limitInputPixels: maxPixels,
    ...(frames > 1 && { pages: frames }),
    ...(metadata.format === 'svg' && { density: densityFor(recipe, metadata) }),
  });
  const made = await encode(resize(image.autoOrient(), recipe, format), format, recipe.quality).toFile(output);
  // An animation is one tall picture to the library; what counts is a frame.
  return { format, width: made.width, height: made.pageHeight ?? made.height };
}

async function describe(bytes: Buffer): Promise<Metadata> {
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FaultError(/unsupported image format|blocked/i.test(reason) ? 'UNSUPPORTED' : 'DAMAGED', reason);
  }
}

function outputFormat({ format }: ImageRecipe, metadata: Metadata): ImageFormat {
  if (format !== 'same') return format;
  const own = metadata.format === 'heif' ? 'avif' : metadata.format;
  return imageFormats.find((one) => one === own) ?? (metadata.hasAlpha === false ? 'jpeg' : 'png');
}

function isAnimation(format: ImageFormat): boolean {
  return format === 'gif' || format === 'webp';
}

function resize(image: Sharp, recipe: ImageRecipe, format: ImageFormat): Sharp {
  const { width, height, maxWidth, maxHeight } = recipe;
  // JPEG has no transparency: what would show through is white.
  const opaque = format === 'jpeg';
  const based = opaque ? image.flatten({ background: '#ffffff' }) : image;
  if (width !== undefined && height !== undefined) {
    const background = { r: 255, g: 255, b: 255, alpha: opaque ? 1 : 0 };
    return based.resize({ width, height, fit: recipe.fit, background });
  }
  const withoutEnlargement = width === undefined && height === undefined;
  return based.resize({ width: width ?? maxWidth, height: height ?? maxHeight, fit: 'inside', withoutEnlargement });
}

function encode(image: Sharp, format: ImageFormat, quality: number): Sharp {
  switch (format) {
    case 'jpeg':
      return image.jpeg({ quality, progressive: true });
    case 'png':
      return image.png({ compressionLevel: 7 });
    case 'webp':
      return image.webp({ quality, effort: 3 });
    case 'avif':
      return image.avif({ quality: Math.max(1, quality - 20), effort: 2 });
    case 'gif':
      return image.gif({ effort: 4 });
  }
}

/** The density at which a drawing comes out about as large as it is asked for, so that it is sharp. */
function densityFor({ width, height, maxWidth, maxHeight }: ImageRecipe, drawing: Metadata): number {
  const ratios = [(width ?? maxWidth) / (drawing.width || 1), (height ?? maxHeight) / (drawing.height || 1)];
  const scale = width === undefined && height === undefined ? 1 : Math.max(...ratios.filter(Number.isFinite));
  const bounded = Math.min(scale, Math.min(maxWidth / (drawing.width || 1), maxHeight / (drawing.height || 1)));
  return Math.min(svgDensity.most, Math.max(svgDensity.least, svgDensity.usual * bounded));
}
