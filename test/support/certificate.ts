/** Certificates for servers of tests, made by openssl. */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

/** A self-signed certificate and its key, as PEM. */
export interface TestCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Makes a self-signed certificate for a name. */
export async function makeCertificate(name: string): Promise<TestCertificate> {
  const folder = await temporaryFolder();
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '2'];
  const made = spawnSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  return { cert: await readFile(cert), key: await readFile(key) };
}
