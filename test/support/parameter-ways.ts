import { type Answer, call, encodeForm } from './http-client.ts';

/** Calls an action with parameters. */
export type Send = (url: string, parameters: Readonly<Record<string, string>>) => Promise<Answer>;

/** The ways in which parameters reach an action of go-fastdfs: each must mean the same. */
export const parameterWays: Readonly<Record<string, Send>> = {
  'GET with a query': (url, parameters) => call(`${url}?${new URLSearchParams(parameters)}`),
  'POST with a query': (url, parameters) => call(`${url}?${new URLSearchParams(parameters)}`, { method: 'POST' }),
  'POST urlencoded': (url, parameters) =>
    call(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(parameters).toString(),
    }),
  'POST multipart': (url, parameters) => {
    const form = encodeForm(Object.entries(parameters).map(([name, value]) => ({ name, value })));
    return call(url, { method: 'POST', ...form });
  },
};
