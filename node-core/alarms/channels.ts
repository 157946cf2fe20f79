/** The ways that alarms take: mail, and a POST to a URL. */
import { isIP } from 'node:net';
import { createTransport } from 'nodemailer';
import type { Alarm, Delivery } from '../catalog/alarm-values.ts';
import type { Config } from '../config/schema.ts';
import { ShoalError } from '../domain/errors.ts';
import { post } from '../runtime/outgoing.ts';
import { describeAlarm } from './texts.ts';

/** The name of a channel. */
export type ChannelName = Delivery['channel'];

/** The part of the configuration that channels read. */
export type AlarmConfig = Pick<
  Config,
  | 'mail'
  | 'mail_from'
  | 'mail_security'
  | 'mail_verify_certificate'
  | 'alarm_receivers'
  | 'alarm_url'
  | 'alarm_url_format'
  | 'alarm_language'
>;

const timeoutMs = 20_000;

/** The channels that are configured. */
export function configuredChannels(config: AlarmConfig): ChannelName[] {
  return [
    ...(config.mail.host !== '' && config.alarm_receivers.length > 0 ? (['mail'] as const) : []),
    ...(config.alarm_url !== '' ? (['url'] as const) : []),
  ];
}

/**
 * Delivers one message. @param node the node's name.
 * @throws ShoalError MAIL_REFUSED, CALL_FAILED: it may be tried again. Neither holds a password.
 */
export async function deliver(
  channel: ChannelName,
  event: Delivery['event'],
  alarm: Alarm,
  node: string,
  config: AlarmConfig,
): Promise<void> {
  const { subject, message } = describeAlarm(event, alarm, node, config.alarm_language);
  if (channel === 'mail') {
    await sendMail(config, subject, message);
    return;
  }
  const { id, kind, details, openedMs, closedMs } = alarm;
  const facts = {
    id,
    kind,
    event,
    subject: alarm.subject,
    details,
    openedMs,
    ...(closedMs !== undefined && { closedMs }),
  };
  const body =
    config.alarm_url_format === 'json'
      ? { subject, message, node, alarm: facts }
      : new URLSearchParams({ subject, message });
  await post({ url: config.alarm_url, body, timeoutMs, trust: 'operator' });
}

async function sendMail(config: AlarmConfig, subject: string, text: string): Promise<void> {
  const { mail, alarm_receivers: receivers } = config;
  const { host, port } = serverOf(mail.host);
  const transport = createTransport({
    host,
    port,
    ...security(config, host, port),
    ...(mail.user !== '' && { auth: { user: mail.user, pass: mail.password } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // The text is ours, but details in it may be a stranger's: nothing in it makes the library read a file or a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({ from: senderOf(config), to: [...receivers], subject, text });
  } catch (error) {
    throw new ShoalError('MAIL_REFUSED', { details: { host: mail.host, reason: reasonOf(error) }, cause: error });
  } finally {
    transport.close();
  }
}

/** How the connection is protected. A password goes over an open line to this very machine only, unless `none` says so. */
function security(
  { mail, mail_security: mode, mail_verify_certificate: verify }: AlarmConfig,
  host: string,
  port: number,
) {
  const tls = {
    rejectUnauthorized: verify,
    minVersion: 'TLSv1.2' as const,
    ...(isIP(host) === 0 && { servername: host }),
  };
  if (mode === 'tls' || (mode === 'auto' && port === 465)) return { secure: true, tls };
  if (mode === 'none') return { secure: false, ignoreTLS: true };
  const local = host === 'localhost' || host === '::1' || host.startsWith('127.');
  return { secure: false, requireTLS: mode === 'starttls' || (mail.user !== '' && !local), tls };
}

/** `host:port` of the configuration; 25 when it names none. */
function serverOf(text: string): { host: string; port: number } {
  const [, host = text, port = '25'] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(text) ?? [];
  return { host, port: Number(port) };
}

function senderOf({ mail, mail_from: from, alarm_receivers: receivers }: AlarmConfig): string {
  if (from !== '') return from;
  // Servers refuse senders without a domain; the first receiver's own domain is one that they know.
  return mail.user.includes('@') ? mail.user : `shoal@${receivers[0]?.split('@')[1] ?? 'localhost'}`;
}

/** In words: what the server said, or why it was not reached. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it could not be sent';
  const response = 'response' in error && typeof error.response === 'string' ? error.response : error.message;
  return response.replace(/\s+/g, ' ').slice(0, 200);
}
