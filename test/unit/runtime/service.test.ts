import { describe, expect, it } from 'vitest';
import { type Service, Supervisor } from '../../../node-core/runtime/service.ts';

/** Services that note what happens to them; `fails` names calls that throw, such as `start b`. */
function notedServices(names: string, fails: readonly string[] = []) {
  const log: string[] = [];
  const call = async (what: string) => {
    log.push(what);
    await new Promise<void>((resolve) => setImmediate(resolve));
    log.push(`${what} done`);
    if (fails.includes(what)) throw new Error(what);
  };
  const services: Service[] = [...names].map((name) => ({
    name,
    start: () => call(`start ${name}`),
    stop: () => call(`stop ${name}`),
  }));
  const stopErrors: string[] = [];
  const supervisor = new Supervisor(services, (service, error) => stopErrors.push(`${service}: ${String(error)}`));
  return { supervisor, log, stopErrors, calls: () => log.filter((line) => !line.endsWith('done')) };
}

describe('Supervisor', () => {
  it('starts in order, one after the other, and stops in reverse', async () => {
    const { supervisor, log } = notedServices('ab');
    await supervisor.start();
    await supervisor.stop();
    const each = ['start a', 'start b', 'stop b', 'stop a'];
    expect(log).toEqual(each.flatMap((what) => [what, `${what} done`]));
  });

  it('stops what had started, and the failed one, when a start fails', async () => {
    const { supervisor, calls } = notedServices('abc', ['start b']);
    await expect(supervisor.start()).rejects.toThrow('start b');
    expect(calls()).toEqual(['start a', 'start b', 'stop b', 'stop a']);
    await supervisor.stop();
    expect(calls()).toHaveLength(4);
  });

  it('stops the others when one fails to stop, and reports it', async () => {
    const { supervisor, calls, stopErrors } = notedServices('abc', ['stop b']);
    await supervisor.start();
    await supervisor.stop();
    expect(calls().slice(3)).toEqual(['stop c', 'stop b', 'stop a']);
    expect(stopErrors).toEqual(['b: Error: stop b']);
  });

  it('keeps the error of the start when a stop fails as well', async () => {
    const { supervisor, stopErrors } = notedServices('ab', ['start b', 'stop a']);
    await expect(supervisor.start()).rejects.toThrow('start b');
    expect(stopErrors).toEqual(['a: Error: stop a']);
  });

  it('stops once, however often it is asked to', async () => {
    const { supervisor, calls } = notedServices('ab');
    await supervisor.start();
    await Promise.all([supervisor.stop(), supervisor.stop()]);
    await supervisor.stop();
    expect(calls()).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  it('leaves nothing running when it is stopped in the middle of its start', async () => {
    const { supervisor, calls } = notedServices('abc');
    const starting = supervisor.start().catch(() => undefined);
    await supervisor.stop();
    await starting;
    const running = new Set<string>();
    for (const line of calls()) {
      const [what, name = ''] = line.split(' ');
      if (what === 'start') running.add(name);
      else running.delete(name);
    }
    expect([...running]).toEqual([]);
  });
});
