/** The pages /setup, /login and /logout, without scripts: they work before and without the web app. */
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { defaultName } from '../../access/administrators.ts';
import { describeError, ShoalError } from '../../domain/errors.ts';
import { parameter } from '../compat/parameters.ts';
import { languageOf } from '../language.ts';
import { html, type Markup, sendPage } from '../pages/html.ts';
import type { HttpServices } from '../services.ts';
import { TrackedResponse } from '../tracked-response.ts';
import { auditAction } from './audit.ts';
import { setUp, signIn, signOut } from './signing-in.ts';
import { limitStrangers } from './strangers.ts';

/** Most bytes of a form. */
const maxFormBytes = 16 * 1024;

const words = {
  en: {
    signIn: 'Sign in',
    setUp: 'Set up this node',
    name: 'Name',
    password: 'Password',
    passwordHint: 'or the admin_key of the configuration',
    newPasswordHint: 'at least 8 characters',
    again: 'Password again',
    different: 'The two passwords are not the same.',
    code: 'One-time code',
    create: 'Create the administrator',
    signedIn: 'You are signed in as {name}.',
    signOut: 'Sign out',
    home: 'To the start page',
  },
  zh: {
    signIn: '登录',
    setUp: '设置本节点',
    name: '用户名',
    password: '密码',
    passwordHint: '或配置中的 admin_key',
    newPasswordHint: '至少 8 个字符',
    again: '再次输入密码',
    different: '两次输入的密码不一致。',
    code: '一次性验证码',
    create: '创建管理员',
    signedIn: '您已登录为 {name}。',
    signOut: '退出登录',
    home: '前往首页',
  },
} as const;

/** The pages. */
export function accountPages(services: HttpServices): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const begin: RequestHandler = (_request, response, next) => {
    if (response instanceof TrackedResponse) response.kind = 'page';
    next();
  };
  const form = express.urlencoded({ extended: false, limit: maxFormBytes, parameterLimit: 20 });
  const before = [begin, limitStrangers(services)];
  router.get('/login', ...before, (request, response) => showLogin(services, request, response));
  router.post('/login', ...before, auditAction(services, 'signIn', true), form, async (request, response) => {
    const name = parameter(request, 'name') ?? defaultName;
    const password = parameter(request, 'password') ?? '';
    const done = await tried(request, () =>
      signIn(services, request, response, { name, password, code: parameter(request, 'code') }),
    );
    if (done === true) response.redirect(303, '/');
    else showLogin(services, request, response, done);
  });
  router.post('/logout', ...before, auditAction(services, 'signOut', true), form, async (request, response) => {
    await signOut(services, request, response);
    response.redirect(303, '/login');
  });
  router.get('/setup', ...before, (request, response) => showSetup(services, request, response));
  router.post('/setup', ...before, auditAction(services, 'setUp', true), form, async (request, response) => {
    const name = parameter(request, 'name') ?? defaultName;
    const password = parameter(request, 'password') ?? '';
    if (password !== parameter(request, 'again')) {
      showSetup(services, request, response, { status: 400, text: words[languageOf(request)].different });
      return;
    }
    const token = parameter(request, 'token') ?? '';
    const done = await tried(request, () => setUp(services, request, response, { token, name, password }));
    if (done === true) response.redirect(303, '/');
    else showSetup(services, request, response, done);
  });
  return router;
}

/** What the last attempt ended in. */
interface Failure {
  readonly status: number;
  readonly text: string;
}

/** True, or why not: what the caller did wrong is said on the page. Anything else goes to the error mapper. */
async function tried(request: Request, work: () => Promise<void>): Promise<true | Failure> {
  try {
    await work();
    return true;
  } catch (error) {
    const told = ['LOGIN_REFUSED', 'LOGIN_CODE_NEEDED', 'PASSWORD_UNFIT', 'SETUP_REFUSED'];
    if (!(error instanceof ShoalError) || !told.includes(error.code)) throw error;
    return { status: error.status, text: describeError(error, languageOf(request)).message };
  }
}

function showLogin(services: HttpServices, request: Request, response: Response, failure?: Failure): void {
  const w = words[languageOf(request)];
  const session = services.access.managerOf(request)?.session;
  if (session && !failure) {
    show(
      request,
      response,
      w.signIn,
      html`<p>${w.signedIn.replace('{name}', session.name)}</p>
<form action="/logout" method="post"><button>${w.signOut}</button></form><p><a href="/">${w.home}</a></p>`,
    );
    return;
  }
  const { current } = services.protection.administrators;
  const code = current?.secondFactor
    ? html`<label>${w.code}<input name="code" inputmode="numeric" autocomplete="one-time-code"></label>`
    : '';
  const body = html`<form action="/login" method="post">
<label>${w.name}<input name="name" value="${defaultName}" autocomplete="username"></label>
<label>${w.password} <small>${w.passwordHint}</small><input type="password" name="password" autocomplete="current-password" required autofocus></label>
${code}<button>${w.signIn}</button></form>`;
  show(request, response, w.signIn, body, failure);
}

function showSetup(services: HttpServices, request: Request, response: Response, failure?: Failure): void {
  if (services.protection.administrators.current) throw new ShoalError('SETUP_DONE');
  const w = words[languageOf(request)];
  const token = parameter(request, 'token') ?? '';
  const body = html`<form action="/setup" method="post"><input type="hidden" name="token" value="${token}">
<label>${w.name}<input name="name" value="${defaultName}" autocomplete="username" required maxlength="64"></label>
<label>${w.password} <small>${w.newPasswordHint}</small><input type="password" name="password" autocomplete="new-password" required minlength="8"></label>
<label>${w.again}<input type="password" name="again" autocomplete="new-password" required minlength="8"></label>
<button>${w.create}</button></form>`;
  show(request, response, w.setUp, body, failure);
}

function show(request: Request, response: Response, title: string, body: Markup, failure?: Failure): void {
  const problem = failure ? html`<p role="alert"><strong>${failure.text}</strong></p>` : '';
  const language = languageOf(request) === 'zh' ? 'zh-CN' : 'en';
  sendPage(response, language, title, html`<main><h1>${title}</h1>${problem}${body}</main>`, {
    status: failure?.status ?? 200,
  });
}
