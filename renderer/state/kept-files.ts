/**
 * Files of unfinished uploads, kept by the browser, so that a reload of the page does not lose them. Large ones are not
 * kept: the browser would copy them.
 */

/** Larger files have to be chosen again after a reload, in bytes. */
const maxKeptBytes = 512 * 1024 * 1024;

const storeName = 'files';

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('shoal', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(storeName);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(storeName, mode);
      const request = work(transaction.objectStore(storeName));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** Keeps a file if it is not too large. Where the browser does not let us, nothing is kept. */
export async function keepFile(id: string, file: File): Promise<void> {
  if (file.size > maxKeptBytes) return;
  await run('readwrite', (store) => store.put(file, id)).catch(() => undefined);
}

/** A kept file. */
export async function keptFile(id: string): Promise<File | undefined> {
  return run<File | undefined>('readonly', (store) => store.get(id)).catch(() => undefined);
}

/** Lets a file go. */
export async function dropFile(id: string): Promise<void> {
  await run('readwrite', (store) => store.delete(id)).catch(() => undefined);
}
