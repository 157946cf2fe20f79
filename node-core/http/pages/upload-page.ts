import type { RequestHandler } from 'express';
import { ShoalError } from '../../domain/errors.ts';
import { groupPrefix } from '../compat/surface.ts';
import { languageOf } from '../language.ts';
import type { HttpServices } from '../services.ts';
import { html, sendPage } from './html.ts';

const words = {
  en: {
    title: 'Upload a file',
    file: 'File',
    scene: 'Scene',
    sceneHint: 'first folder of the address; empty for {scene}',
    path: 'Folder',
    pathHint: 'empty for a dated folder',
    filename: 'Name',
    filenameHint: 'empty to keep the name of the file',
    output: 'Answer',
    text: 'address as text',
    send: 'Upload',
    files: 'Files on this node',
  },
  zh: {
    title: '上传文件',
    file: '文件',
    scene: '场景',
    sceneHint: '地址的第一级目录;留空为 {scene}',
    path: '目录',
    pathHint: '留空则按日期存放',
    filename: '文件名',
    filenameHint: '留空则保留原文件名',
    output: '返回格式',
    text: '文本地址',
    send: '上传',
    files: '本节点上的文件',
  },
} as const;

/** The plain upload page of go-fastdfs, as a form that needs no script. */
export function uploadPage(services: HttpServices): RequestHandler {
  return (request, response, next) => {
    const config = services.config();
    // The root has two pages: this one, and its listing.
    if (request.query.list !== undefined) return next();
    if (!config.enable_web_upload) throw new ShoalError('ROUTE_NOT_FOUND', { details: { path: request.path } });
    // A form whose file would be refused helps nobody; who signs in comes back to the root.
    if (config.upload_policy !== 'open' && !services.access.managerOf(request)) return response.redirect(303, '/login');
    const language = languageOf(request);
    const w = words[language];
    const scenes = [config.default_scene, ...config.scenes.map((entry) => entry.split(':')[0] ?? '')];
    const hint = w.sceneHint.replace('{scene}', config.default_scene);
    const path = config.enable_custom_path
      ? html`<label>${w.path} <small>${w.pathHint}</small><input name="path" autocomplete="off"></label>`
      : '';
    const files = config.show_dir ? html`<p><a href="${groupPrefix(config)}/?list=1">${w.files}</a></p>` : '';
    const body = html`<main><h1>${w.title}</h1>
<form action="${groupPrefix(config)}/upload" method="post" enctype="multipart/form-data">
<label>${w.file}<input type="file" name="file" required></label>
<div class="row"><label>${w.scene} <small>${hint}</small><input name="scene" list="scenes" autocomplete="off"></label>
<datalist id="scenes">${[...new Set(scenes)].map((scene) => html`<option value="${scene}">`)}</datalist>
${path}</div>
<div class="row"><label>${w.filename} <small>${w.filenameHint}</small><input name="filename" autocomplete="off"></label>
<label>${w.output}<select name="output"><option value="text">${w.text}</option><option value="json">JSON</option><option value="json2">JSON 2</option></select></label></div>
<button>${w.send}</button></form>${files}</main>`;
    return sendPage(response, language === 'zh' ? 'zh-CN' : 'en', w.title, body);
  };
}
