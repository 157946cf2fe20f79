import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Config } from '../../node-core/config/schema.ts';
import { ApiClient } from '../support/api-client.ts';
import { makeCertificate } from '../support/certificate.ts';
import { EventClient } from '../support/event-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly secure: boolean;
  readonly user: string;
}

/** A real SMTP server that keeps what it is sent. */
async function mailServer(options: SMTPServerOptions = {}) {
  const mails: Mail[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    onAuth: (auth, _session, callback) => {
      logins.push(`${auth.username}:${auth.password}`);
      if (auth.password === 'right') callback(null, { user: auth.username });
      else callback(new Error('wrong password'));
    },
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('utf8'),
          secure: session.secure,
          user: String(session.user ?? ''),
        });
        callback();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { mails, logins, port: (server.server.address() as AddressInfo).port };
}

const node = (port: number, config: Partial<Config> = {}, mail: Partial<Config['mail']> = {}) =>
  startNode({
    node_name: '北',
    mail: { user: 'shoal@example.com', password: 'right', host: `127.0.0.1:${port}`, ...mail },
    alarm_receivers: ['one@example.com', 'two@example.com'],
    ...config,
  });

interface Result {
  readonly channel: string;
  readonly delivered: boolean;
  readonly code?: string;
  readonly message?: string;
}

async function test(target: TestNode): Promise<readonly Result[]> {
  const api = await ApiClient.of(target);
  return (await api.ok<{ results: Result[] }>('testAlarm')).results;
}

/** A header of a mail, decoded (RFC 2047, base64 and quoted). */
function header(mail: Mail | undefined, name: string): string {
  const line = new RegExp(`^${name}: (.*(?:\r?\n[ \t].*)*)`, 'im').exec(mail?.text ?? '')?.[1] ?? '';
  return line
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?b\?([^?]*)\?=/gi, (_all, text: string) => Buffer.from(text, 'base64').toString('utf8'))
    .replace(/=\?utf-8\?q\?([^?]*)\?=/gi, (_all, text: string) =>
      Buffer.from(
        text
          .replaceAll('_', ' ')
          .replace(/=([0-9A-F]{2})/g, (_hex, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
        'latin1',
      ).toString('utf8'),
    );
}

describe('a test alarm by mail', () => {
  it('arrives over STARTTLS, with a login and a subject, in the chosen language', async () => {
    const certificate = await makeCertificate('localhost');
    const { mails, logins, port } = await mailServer(certificate);
    const own = await node(port, { alarm_language: 'zh', mail_verify_certificate: false });
    expect(await test(own)).toEqual([{ channel: 'mail', delivered: true }]);
    expect(mails).toMatchObject([
      {
        from: 'shoal@example.com',
        to: ['one@example.com', 'two@example.com'],
        secure: true,
        user: 'shoal@example.com',
      },
    ]);
    expect(logins).toEqual(['shoal@example.com:right']);
    expect(header(mails[0], 'Subject')).toBe('[Shoal 北] 测试告警');
  });

  it('arrives over TLS', async () => {
    const { mails, port } = await mailServer({ ...(await makeCertificate('localhost')), secure: true });
    const own = await node(port, { mail_security: 'tls', mail_verify_certificate: false });
    expect(await test(own)).toEqual([{ channel: 'mail', delivered: true }]);
    expect(mails[0]).toMatchObject({ secure: true });
    expect(header(mails[0], 'Subject')).toBe('[Shoal 北] test alarm');
  });

  it('arrives in plain text where there is no login, from an address of the receivers’ domain', async () => {
    const { mails, port } = await mailServer({ disabledCommands: ['STARTTLS', 'AUTH'] });
    const own = await node(port, {}, { user: '', password: '' });
    expect(await test(own)).toEqual([{ channel: 'mail', delivered: true }]);
    expect(mails[0]).toMatchObject({ secure: false, from: 'shoal@example.com' });
  });

  it('is not sent through a server whose certificate nobody vouches for', async () => {
    const { mails, logins, port } = await mailServer(await makeCertificate('localhost'));
    const [result] = await test(await node(port));
    expect(result).toMatchObject({ delivered: false, code: 'MAIL_REFUSED' });
    expect(result?.message).toMatch(/certificate/);
    expect([mails, logins]).toEqual([[], []]);
  });

  it('is not sent in plain text when STARTTLS was asked for, and no password goes out', async () => {
    const { mails, logins, port } = await mailServer({ disabledCommands: ['STARTTLS'] });
    const [result] = await test(await node(port, { mail_security: 'starttls' }));
    expect(result).toMatchObject({ delivered: false, code: 'MAIL_REFUSED' });
    expect([mails, logins]).toEqual([[], []]);
  });

  it.each([
    ['the login', {}, { password: 'wrong-4711' }, /wrong password/],
    [
      'the sender',
      { onMailFrom: (_a: unknown, _s: unknown, done: (error: Error) => void) => done(new Error('no such sender')) },
      {},
      /no such sender/,
    ],
    [
      'every receiver',
      { onRcptTo: (_a: unknown, _s: unknown, done: (error: Error) => void) => done(new Error('no such mailbox')) },
      {},
      /no such mailbox/,
    ],
    [
      'the mail',
      {
        onData: (stream: { resume(): void }, _s: unknown, done: (error: Error) => void) => {
          stream.resume();
          done(new Error('spam'));
        },
      },
      {},
      /spam/,
    ],
  ] as const)('tells why a server refuses %s, and never a password', async (_what, options, mail, reason) => {
    const { mails, port } = await mailServer({ disabledCommands: ['STARTTLS'], ...(options as SMTPServerOptions) });
    const own = await node(port, {}, mail);
    const [result] = await test(own);
    expect(result).toMatchObject({ channel: 'mail', delivered: false, code: 'MAIL_REFUSED' });
    expect(result?.message).toMatch(reason);
    expect(mails).toEqual([]);
    await own.node.stop();
    const folder = path.join(own.dataDir, 'log');
    for (const name of await readdir(folder))
      expect(await readFile(path.join(folder, name), 'utf8')).not.toContain('wrong-4711');
  });

  it('tells that nobody is there, and that nobody is to be told', async () => {
    const [result] = await test(await node(9));
    expect(result).toMatchObject({ delivered: false, code: 'MAIL_REFUSED' });
    expect(result?.message).toMatch(/ECONNREFUSED/);
    const api = await ApiClient.of(await startNode());
    await api.refused('testAlarm', 409, 'ALARM_WITHOUT_RECEIVER');
  });
});

describe('a node in trouble', () => {
  it('raises an alarm: by mail, as an event, in the list; and tells when it is over', async () => {
    const { mails, port } = await mailServer({ disabledCommands: ['STARTTLS', 'AUTH'] });
    const own = await node(port, { free_space_floor_mb: 999_999_999 }, { user: '', password: '' });
    const events = await EventClient.connect(own);
    const opened = await events.until((event) => event.type === 'alarm-opened');
    expect(opened.data).toMatchObject({ kind: 'disk-floor' });
    const api = await ApiClient.of(own);
    const { alarms } = await api.ok<{ alarms: { id: string; title: string; text: string }[] }>('listAlarms');
    expect(alarms).toMatchObject([{ kind: 'disk-floor', title: 'the disk is almost full' }]);
    expect(alarms[0]?.text).toMatch(/^Free: \d+ MB, to be left free: \d+ MB/);
    const acknowledged = await api.ok('acknowledgeAlarm', { json: { id: alarms[0]?.id } });
    expect(acknowledged).toMatchObject({ acknowledgedBy: '127.0.0.1' });
    await api.refused('acknowledgeAlarm', 404, 'ALARM_NOT_FOUND', { json: { id: 'none' } });
    await vi.waitFor(() => expect(mails.length).toBe(1), { timeout: 15_000 });
    expect(header(mails[0], 'Subject')).toBe('[Shoal 北] the disk is almost full');
  });
});
