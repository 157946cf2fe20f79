/** What is read from the node, each under a key that events.ts makes old. */
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import i18next from 'i18next';
import { api } from './http.ts';
import type * as types from './types.ts';

/** How a folder is looked at. */
export interface View {
  readonly folder: string;
  readonly sort: 'name' | 'size' | 'time' | 'type';
  readonly order: 'up' | 'down';
  readonly type?: string | undefined;
}

/** Rows of one window of a folder. */
export const windowRows = 200;

/** One window of a folder. */
export function viewWindow(view: View, index: number) {
  return {
    queryKey: ['view', view.folder, view.sort, view.order, view.type ?? '', index],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      api<types.FolderView>('/files/view', {
        query: { ...view, offset: index * windowRows, limit: windowRows },
        signal,
      }),
  };
}

/** Who the visitor is to this node. */
export function useSession() {
  return useQuery({ queryKey: ['session'], queryFn: () => api<types.SessionState>('/session') });
}

/** Folders of a folder, for the tree. */
export function useTree(folder: string, enabled: boolean) {
  return useQuery({
    queryKey: ['tree', folder],
    queryFn: () => api<types.FolderView>('/files/view', { query: { folder, type: 'folder', limit: 1000 } }),
    enabled,
  });
}

/** Files whose names hold a text. */
export function useSearch(text: string) {
  return useQuery({
    queryKey: ['search', text],
    queryFn: ({ signal }) => api<{ files: types.FileDetails[] }>('/search', { query: { q: text, limit: 500 }, signal }),
    enabled: text !== '',
    placeholderData: keepPreviousData,
  });
}

/** Everything that is known of a file. */
export function useDetails(path: string) {
  return useQuery({
    queryKey: ['details', path],
    queryFn: () => api<types.FileDetails>('/files/stat', { query: { path } }),
  });
}

/** Links, all or those to one path. */
export function useLinks(path?: string) {
  return useQuery({
    queryKey: ['links', path ?? ''],
    queryFn: () => api<{ links: types.Link[]; cursor?: string }>('/links', { query: { path, limit: 500 } }),
  });
}

export function useMembers() {
  return useQuery({ queryKey: ['members'], queryFn: () => api<types.MemberList>('/members') });
}

export function useNearby() {
  return useQuery({ queryKey: ['nearby'], queryFn: () => api<{ nodes: types.NearNode[] }>('/nearby') });
}

/** Which members hold verified bytes of a file, as they say now. */
export function useHolders(path: string) {
  return useQuery({
    queryKey: ['holders', path],
    queryFn: () => api<types.Holders>('/files/holders', { query: { path } }),
    staleTime: 0,
  });
}

export function useTrust() {
  return useQuery({ queryKey: ['trust'], queryFn: () => api<types.TrustState>('/trust') });
}

export function useScrub() {
  return useQuery({ queryKey: ['scrub'], queryFn: () => api<types.Scrub>('/scrub') });
}

export function useRepair() {
  return useQuery({ queryKey: ['repair'], queryFn: () => api<types.Repair>('/repair') });
}

export function useLost() {
  return useQuery({ queryKey: ['lost'], queryFn: () => api<types.LostFiles>('/lost') });
}

export function useConflicts() {
  return useQuery({
    queryKey: ['conflicts'],
    queryFn: () => api<{ conflicts: types.Conflict[]; cursor?: string }>('/conflicts'),
  });
}

export function usePolicy() {
  return useQuery({ queryKey: ['policy'], queryFn: () => api<types.Policy>('/policy') });
}

export function usePairings() {
  return useQuery({ queryKey: ['pairings'], queryFn: () => api<{ pairings: types.Pairing[] }>('/pairings') });
}

export function useInvites() {
  return useQuery({ queryKey: ['invites'], queryFn: () => api<{ invites: types.Invite[] }>('/invites') });
}

export function useTransfers() {
  return useQuery({ queryKey: ['transfers'], queryFn: () => api<types.Transfers>('/transfers'), staleTime: 0 });
}

/** What came from members and what did not, the latest first, page by page. */
export function useTransferHistory() {
  return useInfiniteQuery({
    queryKey: ['transfer-history', i18next.language],
    queryFn: ({ pageParam }) => api<types.TransferHistory>('/transfers/history', { query: { cursor: pageParam } }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ cursor }) => cursor,
    staleTime: 0,
  });
}

export function useVerification() {
  return useQuery({
    queryKey: ['verification'],
    queryFn: () => api<{ verification?: types.VerifyReport }>('/verification'),
  });
}

/** Uploads that this node is receiving now, from anybody. */
export function useNodeUploads() {
  return useQuery({ queryKey: ['uploads'], queryFn: () => api<{ uploads: types.Upload[] }>('/uploads') });
}

export function useHealth() {
  return useQuery({ queryKey: ['health'], queryFn: () => api<types.Health>('/health') });
}

export function useStatistics() {
  return useQuery({ queryKey: ['statistics'], queryFn: () => api<types.Statistics>('/statistics') });
}

export function useAlarms() {
  return useQuery({
    queryKey: ['alarms', i18next.language],
    queryFn: () => api<{ alarms: types.Alarm[]; waiting: number }>('/alarms'),
  });
}

export function useSettings() {
  return useQuery({
    queryKey: ['settings', i18next.language],
    queryFn: () => api<{ settings: types.Setting[] }>('/settings'),
  });
}

export function useUploadForm() {
  return useQuery({ queryKey: ['upload-form'], queryFn: () => api<types.UploadForm>('/upload-form') });
}
