import type { RecordReader } from '../../db/records';
import type { Viewer } from '../viewer';

/** Members see the records that are shown to them; the tenant's keys, admins and managers administer all of them. */
export function recordReaderOf(viewer: Viewer): RecordReader {
  return { memberId: viewer.role === 'member' ? viewer.userId : null };
}
