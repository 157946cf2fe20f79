/** Builds the node that the process tests run, when it is missing or older than its sources. */
export async function setup(): Promise<void> {
  const build = new URL('../../build.mjs', import.meta.url).href;
  const { buildIfChanged } = (await import(build)) as { buildIfChanged(): Promise<boolean> };
  await buildIfChanged();
}
