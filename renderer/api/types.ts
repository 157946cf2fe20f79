/** Types of /api/v1, as the contract of the node has them. Types only: nothing of the node is part of the app. */
import type { z } from 'zod';
import type * as access from '../../node-core/http/api/access-contract.ts';
import type * as cluster from '../../node-core/http/api/cluster-contract.ts';
import type * as contract from '../../node-core/http/api/contract.ts';

type Shape<T extends z.ZodType> = z.output<T>;

export type SessionState = access.SessionState;
export type Session = Shape<typeof access.sessions>['sessions'][number];
export type OfferedFactor = Shape<typeof access.offeredFactor>;
export type Link = access.Link;
export type AuditEntry = Shape<typeof access.auditEntry>;
export type Entry = contract.Entry;
export type FileEntry = Extract<Entry, { kind: 'file' }>;
export type FolderEntry = Extract<Entry, { kind: 'folder' }>;
export type FolderView = Shape<typeof contract.folderView>;
export type FileDetails = contract.FileDetails;
export type Changed = Shape<typeof contract.changed>;
export type TrashEntry = Shape<typeof contract.trashEntry>;
export type Upload = Shape<typeof contract.upload>;
export type Statistics = Shape<typeof contract.statistics>;
export type Health = contract.Health;
export type Setting = contract.Setting;
export type Alarm = Shape<typeof contract.alarm>;
export type AlarmTest = Shape<typeof contract.alarmTest>;
export type RetentionRule = Shape<typeof contract.retentionRule>;
export type RetentionPreview = Shape<typeof contract.retentionPreview>;
export type UploadForm = Shape<typeof contract.uploadForm>;
export type VerifyReport = Shape<typeof contract.verifyReport>;
export type Member = Shape<typeof cluster.member>;
export type MemberList = Shape<typeof cluster.memberList>;
export type NearNode = Shape<typeof cluster.nearNode>;
export type Invite = Shape<typeof cluster.invite>;
export type Pairing = Shape<typeof cluster.pairing>;
export type Transfer = Shape<typeof cluster.transfer>;
export type Transfers = Shape<typeof cluster.transfers>;
