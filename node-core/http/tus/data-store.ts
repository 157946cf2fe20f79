import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { DataStore, ERRORS, Upload } from '@tus/server';
import type { ResumableUpload } from '../../catalog/values.ts';
import type { PartCheck, ResumableUploads } from '../../files/resumable-uploads.ts';

/** Digests that a part may be checked with (tus 1.0.0, "Checksum"). */
export const checksumAlgorithms = ['sha1', 'sha256', 'md5'] as const;

/** What the headers of one request say that @tus/server does not pass on. */
export interface RequestExtras {
  readonly by: string;
  readonly isPartial: boolean;
  /** Content of Upload-Checksum, if any. */
  readonly checksum: string | undefined;
}

/** An error in the form that @tus/server answers with. */
export interface TusFailure {
  readonly status_code: number;
  readonly body: string;
}

/** Our resumable uploads, as @tus/server wants them. @param extras of the request that is being served. */
export class ShoalDataStore extends DataStore {
  readonly #uploads: ResumableUploads;
  readonly #extras: () => RequestExtras;

  constructor(uploads: ResumableUploads, extras: () => RequestExtras) {
    super();
    this.#uploads = uploads;
    this.#extras = extras;
    this.extensions = [
      'creation',
      'creation-with-upload',
      'creation-defer-length',
      'termination',
      'concatenation',
      'checksum',
      'expiration',
    ];
  }

  /** @tus/server asks for a misspelt name before it lets partial uploads through. */
  override hasExtension(extension: string): boolean {
    return super.hasExtension(extension === 'concatentation' ? 'concatenation' : extension);
  }

  override async create(upload: Upload): Promise<Upload> {
    const { by, isPartial } = this.#extras();
    const created = await this.#uploads.create({
      id: upload.id,
      metadata: upload.metadata ?? {},
      by,
      ...(upload.size !== undefined && { size: upload.size }),
      ...(isPartial && { concatenation: 'partial' as const }),
    });
    upload.creation_date = new Date(created.createdMs).toISOString();
    return upload;
  }

  override async write(stream: Readable, id: string, offset: number): Promise<number> {
    return this.#uploads.append(id, offset, stream, checkOf(this.#extras().checksum));
  }

  override async getUpload(id: string): Promise<Upload> {
    const upload = this.#uploads.find(id);
    if (!upload) throw ERRORS.FILE_NOT_FOUND;
    return new Upload({
      id,
      offset: upload.done ? (upload.size ?? upload.safe) : upload.safe,
      metadata: upload.metadata,
      ...(upload.size !== undefined && { size: upload.size }),
      // A finished upload does not expire: without a date nothing counts its age.
      ...(!upload.done && { creation_date: new Date(upload.createdMs).toISOString() }),
    });
  }

  override async declareUploadLength(id: string, size: number): Promise<void> {
    await this.#uploads.declareLength(id, size);
  }

  override async remove(id: string): Promise<void> {
    const upload = this.#uploads.find(id);
    if (!upload) throw ERRORS.FILE_NOT_FOUND;
    // What has become a file is deleted as a file, by those who may.
    if (upload.done) throw ERRORS.INVALID_TERMINATION;
    await this.#uploads.remove(id);
  }

  override deleteExpired(): Promise<number> {
    return this.#uploads.sweep();
  }

  override getExpiration(): number {
    return this.#uploads.expirationMs;
  }
}

/** Upload-Concat of a HEAD answer (tus 1.0.0, "Concatenation"). @param urlOf address of a part. */
export function concatenationHeader(upload: ResumableUpload, urlOf: (id: string) => string): string | undefined {
  if (upload.concatenation === 'partial') return 'partial';
  return upload.concatenation === 'final' ? `final;${(upload.parts ?? []).map(urlOf).join(' ')}` : undefined;
}

/** Checks a part against Upload-Checksum: `<algorithm> <base64 digest>`. @throws TusFailure 400 for an unknown algorithm. */
function checkOf(header: string | undefined): PartCheck | undefined {
  if (header === undefined) return undefined;
  const [algorithm = '', expected = ''] = header.trim().split(/\s+/);
  if (!(checksumAlgorithms as readonly string[]).includes(algorithm) || expected === '') {
    throw failure(400, `Upload-Checksum: known algorithms are ${checksumAlgorithms.join(', ')}\n`);
  }
  const hash = createHash(algorithm);
  return {
    update: (chunk) => hash.update(chunk),
    complete: () => {
      if (hash.digest('base64') !== expected) throw failure(460, 'Checksum Mismatch\n');
    },
  };
}

/** @tus/server takes plain objects and errors alike; ours are errors, so that they carry a stack. */
function failure(status: number, body: string): TusFailure {
  return Object.assign(new Error(body.trim()), { status_code: status, body });
}
