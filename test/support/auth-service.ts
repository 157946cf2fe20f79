/** A real service for `auth_url`: notes what it is asked, and answers as the test says. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

/** One question. */
export interface Question {
  readonly fields: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
}

/** A running service. */
export interface AuthService {
  readonly url: string;
  readonly questions: Question[];
  /** How the next questions are answered. */
  answer: (response: ServerResponse, question: Question) => void;
}

const closing: (() => Promise<void>)[] = [];

afterAll(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** Starts a service that consents to the token `good`. */
export async function startAuthService(): Promise<AuthService> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const question = { fields: Object.fromEntries(new URLSearchParams(body)), headers: request.headers };
      service.questions.push(question);
      service.answer(response, question);
    });
  });
  const service: AuthService = {
    url: '',
    questions: [],
    answer: (response, { headers }) => response.end(headers['auth-token'] === 'good' ? 'ok' : 'fail'),
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return Object.assign(service, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth` });
}
