/** What is asked for of an image: read from a query, bounded by the configuration, with a key that names the result. */
import { createHash } from 'node:crypto';
import { ShoalError } from '../domain/errors.ts';

/** Formats that results are written in. */
export const imageFormats = ['jpeg', 'png', 'webp', 'avif', 'gif'] as const;

/** A format that results are written in. */
export type ImageFormat = (typeof imageFormats)[number];

/** How an image fills a box when both sides are given (the terms of CSS object-fit). */
const fits = ['fill', 'cover', 'contain', 'inside'] as const;

/** What is made of an image. Two recipes that are equal make the same of the same content. */
export interface ImageRecipe {
  /** Pixels; undefined follows from the other side. */
  readonly width?: number;
  readonly height?: number;
  readonly fit: (typeof fits)[number];
  /** `same` keeps the content's own format where it can be written, else PNG. */
  readonly format: ImageFormat | 'same';
  /** 1-100, for the formats that have it. */
  readonly quality: number;
  /** No result is larger, in pixels, whatever was asked for. */
  readonly maxWidth: number;
  readonly maxHeight: number;
}

/** The configuration's part in a recipe. */
export interface ImageBounds {
  readonly image_max_width: number;
  readonly image_max_height: number;
}

const defaultQuality = 80;

/** Counts up when the same recipe would make something else than before: old results in caches are then not taken. */
const pipelineVersion = 1;

/** Parameters that make a download one of a scaled image. The others only say how. */
const triggers = ['width', 'height', 'format'] as const;

/**
 * Reads the recipe of a download's query. `width` and `height` are pixels, larger ones are taken down to the bounds; as in
 * go-fastdfs 0 means "not given", one side keeps the ratio and two sides fill the box exactly, unless `fit` says other.
 * @param accept the request's Accept header, for `format=auto`: WebP where the client takes it.
 * @returns undefined when the query asks for no image work. @throws ShoalError PARAMETER_INVALID.
 */
export function recipeOf(
  parameters: URLSearchParams,
  accept: string | undefined,
  bounds: ImageBounds,
): ImageRecipe | undefined {
  if (triggers.every((name) => (parameters.get(name) ?? '') === '')) return undefined;
  const width = side(parameters, 'width', bounds.image_max_width);
  const height = side(parameters, 'height', bounds.image_max_height);
  const format = formatOf(parameters.get('format') ?? '', accept);
  if (width === undefined && height === undefined && (parameters.get('format') ?? '') === '') return undefined;
  const fit = oneOf(parameters, 'fit', fits) ?? 'fill';
  const quality = wholeNumber(parameters, 'quality', 100) || defaultQuality;
  return {
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    fit,
    format,
    quality,
    maxWidth: bounds.image_max_width,
    maxHeight: bounds.image_max_height,
  };
}

/** The recipe of a thumbnail: inside a square of `pixels`, small, for lists. */
export function thumbnailRecipe(pixels: number): ImageRecipe {
  const box = { width: pixels, height: pixels, maxWidth: pixels, maxHeight: pixels };
  return { ...box, fit: 'inside', format: 'webp', quality: 70 };
}

/** Names the result of a recipe for a content: 64 hex digits. */
export function resultKey(sha256: string, recipe: ImageRecipe): string {
  const { width, height, fit, format, quality, maxWidth, maxHeight } = recipe;
  const parts = [pipelineVersion, sha256, width ?? 0, height ?? 0, fit, format, quality, maxWidth, maxHeight];
  return createHash('sha256').update(parts.join(' ')).digest('hex');
}

function side(parameters: URLSearchParams, name: string, max: number): number | undefined {
  const value = wholeNumber(parameters, name, Number.MAX_SAFE_INTEGER);
  return value === 0 ? undefined : Math.min(value, max);
}

/** 0 when it is not given. */
function wholeNumber(parameters: URLSearchParams, name: string, max: number): number {
  const text = parameters.get(name) ?? '';
  if (text === '') return 0;
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw invalid(name, `it is no whole number up to ${max}`);
}

function formatOf(text: string, accept = ''): ImageFormat | 'same' {
  if (text === '') return 'same';
  if (text === 'auto')
    return /(^|[,\s])image\/webp\s*(?!;\s*q=0(\.0*)?\s*(,|$))(,|;|$)/i.test(accept) ? 'webp' : 'same';
  if (text === 'jpg') return 'jpeg';
  const format = imageFormats.find((one) => one === text);
  if (format) return format;
  throw invalid('format', `it is none of auto, jpg, ${imageFormats.join(', ')}`);
}

function oneOf<T extends string>(parameters: URLSearchParams, name: string, values: readonly T[]): T | undefined {
  const text = parameters.get(name) ?? '';
  if (text === '') return undefined;
  const value = values.find((one) => one === text);
  if (value !== undefined) return value;
  throw invalid(name, `it is none of ${values.join(', ')}`);
}

function invalid(name: string, reason: string): ShoalError {
  return new ShoalError('PARAMETER_INVALID', { details: { name, reason } });
}
