/** Actions of go-fastdfs on the whole store: list_dir, stat, status. */
import { cpus, freemem, loadavg, totalmem, uptime } from 'node:os';
import type { RequestHandler } from 'express';
import type { FolderCursor, FolderRow } from '../../catalog/catalog.ts';
import { joinPath, normalizeFolder } from '../../domain/paths.ts';
import type { HttpServices } from '../services.ts';
import { domainOf, sendOk } from './answers.ts';
import { flag, parameter } from './parameters.ts';
import { groupFolder, parameterPath } from './surface.ts';

/** Rows read at once while a folder is listed. */
const pageRows = 1000;

/** `list_dir?dir=`: everything that stands directly in a folder. */
export function listFolder(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const folder = normalizeFolder(parameterPath(parameter(request, 'dir') ?? '', services.config()));
    const prefix = groupFolder(services.config());
    // Written as it is read, so that a folder of any size costs one page of memory.
    response.type('application/json');
    let head = '{"status":"ok","message":"","data":[';
    let after: FolderCursor | undefined;
    do {
      const page = await services.browser.page(folder, pageRows, after);
      const rows = page.rows.map((row) => JSON.stringify(listedRow(row, folder, prefix)));
      response.write(head + rows.join(','));
      head = ',';
      after = page.next;
      if (response.destroyed) return;
    } while (after);
    response.end(']}');
  };
}

/** `stat`: live files and bytes of each day and of all. */
export function statistics(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const rows = await statisticsRows(services);
    if (flag(request, 'inner')) response.json(rows);
    else if (flag(request, 'echart')) {
      sendOk(response, {
        category: rows.map((row) => row.date),
        barCount: rows.map((row) => row.fileCount),
        barSize: rows.map((row) => row.totalSize),
      });
    } else sendOk(response, rows);
  };
}

/** `status`: queues, peers and statistics (`Fs.*`), host figures (`Sys.*`). */
export function status(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const memory = process.memoryUsage();
    const space = await services.guard.space().catch(() => ({ total: 0, free: 0, floor: 0 }));
    const total = totalmem();
    const free = freemem();
    const config = services.config();
    const { own, members } = await clusterFigures(services);
    sendOk(response, {
      'Fs.QueueFromPeers': own.missing.files,
      'Fs.QueueToPeers': members.reduce((sum, { missing }) => sum + (missing ?? 0), 0),
      'Fs.QueueFileLog': 0,
      'Fs.QueueUpload': services.uploads.list().length,
      'Fs.RefreshInterval': config.refresh_interval,
      'Fs.Peers': config.peers,
      'Fs.Members': members,
      'Fs.FetchingStopped': own.stalled,
      'Fs.Local': domainOf(request, config),
      'Fs.FileStats': await statisticsRows(services),
      'Fs.ShowDir': config.show_dir,
      'Fs.PeerId': services.peerId(),
      'Fs.Version': services.version,
      'Fs.NotReady': await services.notReady(),
      'Sys.NumCpu': cpus().length,
      'Sys.Alloc': memory.heapUsed,
      'Sys.HeapAlloc': memory.heapTotal,
      'Sys.Rss': memory.rss,
      'Sys.LoadAvg': loadavg(),
      'Sys.Uptime': Math.floor(uptime()),
      'Sys.ProcessUptime': Math.floor(process.uptime()),
      'Sys.DiskInfo': diskInfo(services.pathOf('.'), space),
      'Sys.MemInfo': { total, free, available: free, used: total - free, usedPercent: percent(total - free, total) },
    });
  };
}

/** What this node and each member hold; a member that has told nothing yet has no figures. */
async function clusterFigures({ cluster }: HttpServices) {
  const { figures } = cluster.care;
  const [own, others] = await Promise.all([figures.own(), figures.members()]);
  const members = cluster.members.others().map((id) => {
    const known = others.get(id);
    return {
      id,
      name: cluster.members.nameOf(id),
      online: cluster.liveness.isOnline(id),
      ...(known && {
        files: known.total.files,
        bytes: known.total.bytes,
        verified: known.total.files - known.missing.files,
        missing: known.missing.files,
        behind: known.behind,
      }),
    };
  });
  return { own, members };
}

async function statisticsRows(services: HttpServices) {
  const rows = await services.catalog.dayStatistics();
  const days = rows.map(({ day, files, bytes }) => ({ date: day, totalSize: bytes, fileCount: files }));
  if (rows.length === 0) days.push({ date: 'all', totalSize: 0, fileCount: 0 });
  return days;
}

function listedRow(row: FolderRow, folder: string, prefix: string) {
  return {
    name: row.name,
    md5: row.kind === 'file' ? row.compatible : '',
    path: `${prefix}/${joinPath(folder, row.name)}`,
    size: row.kind === 'file' ? row.size : 0,
    mtime: Math.floor(row.mtimeMs / 1000),
    is_dir: row.kind === 'dir',
  };
}

function diskInfo(path: string, { total, free, floor }: { total: number; free: number; floor: number }) {
  return { path, total, free, floor: Math.round(floor), used: total - free, usedPercent: percent(total - free, total) };
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 10_000) / 100;
}
