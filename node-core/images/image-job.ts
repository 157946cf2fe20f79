/** What the node and its image processes say to each other. */
import type { ImageFormat, ImageRecipe } from './image-recipe.ts';

/** One image to make. Both files are absolute paths; the output does not exist yet. */
export interface ImageJob {
  readonly input: string;
  readonly output: string;
  readonly recipe: ImageRecipe;
  /** Most pixels that are decoded, all frames together. */
  readonly maxPixels: number;
}

/** Why an image could not be made; each is the end of a code `IMAGE_...` in the registry. */
export type ImageFault = 'UNSUPPORTED' | 'DAMAGED' | 'TOO_LARGE';

/** The answer to a job. */
export type ImageOutcome =
  | { readonly format: ImageFormat; readonly width: number; readonly height: number }
  | { readonly fault: ImageFault; readonly reason: string };
