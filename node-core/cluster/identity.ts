/**
 * Who a node is: a key pair made at first start. The id is the sha256 of the public key's SPKI DER (replication.md, 22),
 * so certificates may be renewed and names and addresses may change.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { ShoalError } from '../domain/errors.ts';
import { isAbsent } from '../storage/identity.ts';

/** A node's key pair and id. */
export interface NodeIdentity {
  /** 64 hex digits. */
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/**
 * Reads the node's key, or makes it: P-256, which every TLS 1.3 implementation speaks. The file is mode 0600.
 * @param folder absolute path of the data folder's `data/`. @throws ShoalError DATA_UNUSABLE when the key is unreadable:
 * a new one in its place would be another node.
 */
export async function loadIdentity(folder: string): Promise<NodeIdentity> {
  const file = path.join(folder, 'identity.pem');
  let pem: string;
  try {
    pem = await readFile(file, 'utf8');
  } catch (error) {
    if (!isAbsent(error)) throw error;
    pem = await createKey(folder, file);
  }
  try {
    const privateKey = createPrivateKey(pem);
    const publicKey = createPublicKey(privateKey);
    const id = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex');
    return { id, privateKey, publicKey };
  } catch (error) {
    throw new ShoalError('DATA_UNUSABLE', { details: { folder: file, reason: 'it holds no key' }, cause: error });
  }
}

async function createKey(folder: string, file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await mkdir(folder, { recursive: true });
  const temporary = `${file}.new`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(pem);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  return pem;
}
