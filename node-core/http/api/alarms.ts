/** /api/v1: alarms. */
import { titleAndText } from '../../alarms/texts.ts';
import type { Alarm } from '../../catalog/alarm-values.ts';
import { describeError, type Language } from '../../domain/errors.ts';
import { languageOf } from '../language.ts';
import type { HttpServices } from '../services.ts';
import * as contract from './contract.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'alarms';

/** The operations on alarms. */
export function alarmOperations({ monitor, access }: HttpServices): readonly Operation[] {
  return [
    operation({
      id: 'listAlarms',
      method: 'get',
      path: '/alarms',
      tag,
      summary: 'Alarms that are open, and those that were',
      query: contract.alarmQuery,
      answer: contract.alarms,
      handle: async ({ query }, request) => {
        const alarms = await monitor.board.list(query.limit);
        return { alarms: alarms.map((alarm) => alarmOf(alarm, languageOf(request))), waiting: monitor.outbox.waiting };
      },
    }),
    operation({
      id: 'acknowledgeAlarm',
      method: 'post',
      path: '/alarms/acknowledge',
      tag,
      summary: 'Takes note of an open alarm: no more reminders of it',
      body: contract.acknowledgeBody,
      answer: contract.alarm,
      handle: async ({ body }, request) =>
        alarmOf(await monitor.board.acknowledge(body.id, access.addressOf(request)), languageOf(request)),
    }),
    operation({
      id: 'testAlarm',
      method: 'post',
      path: '/alarms/test',
      tag,
      summary: 'Sends a test alarm over every channel, and tells how it went',
      answer: contract.alarmTest,
      handle: async (_input, request) => {
        const results = await monitor.outbox.test();
        return {
          results: results.map(({ channel, delivered, error }) => ({
            channel,
            delivered,
            ...(error && { code: error.code, message: describeError(error, languageOf(request)).message }),
          })),
        };
      },
    }),
  ];
}

function alarmOf(alarm: Alarm, language: Language) {
  const { id, kind, subject, openedMs, closedMs, acknowledgedMs, acknowledgedBy } = alarm;
  return {
    id,
    kind,
    subject,
    ...titleAndText(alarm, language),
    openedMs,
    ...(closedMs !== undefined && { closedMs }),
    ...(acknowledgedMs !== undefined && { acknowledgedMs }),
    ...(acknowledgedBy !== undefined && { acknowledgedBy }),
  };
}
