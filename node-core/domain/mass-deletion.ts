/** No mass deletion without a person (replication.md, 20). */

/** More files than this vanishing at once ask for a person. */
const maxFiles = 1000;

/** So does this share of all files, where there are more than a few. */
const maxShare = 0.1;
const few = 10;

/**
 * Whether so many files going at once, by a scan or a rule, must be confirmed by a person first.
 * @param going files that would go. @param total live files before.
 */
export function isMassDeletion(going: number, total: number): boolean {
  return going > maxFiles || (going > few && going > total * maxShare);
}
