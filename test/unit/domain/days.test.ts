import { afterEach, describe, expect, it } from 'vitest';
import { datedFolder, dayOf, isDay } from '../../../node-core/domain/days.ts';

const zone = process.env.TZ;

afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

describe('days', () => {
  it.each([
    ['UTC', '20260228', '20260228/16/05'],
    ['Asia/Shanghai', '20260301', '20260301/00/05'],
    ['America/New_York', '20260228', '20260228/11/05'],
  ])('are those of the time zone %s', (timeZone, day, folder) => {
    process.env.TZ = timeZone;
    const moment = Date.UTC(2026, 1, 28, 16, 5, 59);
    expect([dayOf(moment), datedFolder(moment)]).toEqual([day, folder]);
  });

  it.each([
    ['20260101', true],
    ['20240229', true],
    ['20250229', false],
    ['20260431', false],
    ['20261301', false],
    ['20260100', false],
    ['2026011', false],
    ['202601011', false],
    ['2026-1-1', false],
    ['all', false],
    ['', false],
  ])('%j is one: %s', (text, expected) => {
    expect(isDay(text)).toBe(expected);
  });

  it('exist even where midnight does not', () => {
    process.env.TZ = 'America/Asuncion';
    expect(isDay('20231001')).toBe(true);
  });
});
