/** Records as they travel: canonical texts, checked where they come in (replication.md, 5). */
import { decode } from '../../catalog/values.ts';
import { ShoalError } from '../../domain/errors.ts';
import { type PathRecord, recordFormat } from '../../domain/file-record.ts';
import { normalizePath } from '../../domain/paths.ts';

/** @throws ShoalError PEER_DATA_INVALID: one bad record refuses its whole page, so that nothing is skipped in silence. */
export function readRecords(texts: readonly string[]): PathRecord[] {
  return texts.map((text) => {
    try {
      const record = decode.record('of a member', text);
      if (normalizePath(record.path) !== record.path) throw new Error('its path is not normalized');
      return record;
    } catch (cause) {
      throw new ShoalError('PEER_DATA_INVALID', { details: { format: recordFormat }, cause });
    }
  });
}
