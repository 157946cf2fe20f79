/**
 * Counts answered requests in plain numbers and shows them to the metrics library only when they are read: every small
 * download pays for the counting, and the library's own counters cost as much as the rest of the bookkeeping.
 */
import type { Metric, MetricObjectWithValues, MetricValue, Registry } from 'prom-client';

/** Upper bounds of the histogram of durations, in seconds. */
const bounds = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60] as const;

interface Durations {
  /** By bound, each request once; the last one is for all that took longer. */
  readonly buckets: number[];
  seconds: number;
}

/** Requests by kind and status, and their durations by kind. */
export class RequestTally {
  readonly #answered = new Map<string, Map<number, { count: number }>>();
  readonly #durations = new Map<string, Durations>();
  #lastKind = '';
  #lastStatus = 0;
  #lastCount = { count: 0 };
  #lastDurations: Durations = { buckets: [], seconds: 0 };

  /** Counts one. */
  count(kind: string, status: number, seconds: number): void {
    // Most are like the one before.
    if (kind !== this.#lastKind || status !== this.#lastStatus) this.#select(kind, status);
    this.#lastCount.count += 1;
    const { buckets } = this.#lastDurations;
    let bucket = 0;
    while (seconds > (bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    this.#lastDurations.seconds += seconds;
  }

  /** Shows both in a registry. */
  register(registry: Registry): void {
    const add = (name: string, help: string, type: 'counter' | 'histogram', values: () => MetricValue<string>[]) => {
      const get = async (): Promise<MetricObjectWithValues<MetricValue<string>>> =>
        ({ name, help, type, values: values(), aggregator: 'sum' }) as never;
      registry.registerMetric({ name, help, get } as unknown as Metric);
    };
    add('shoal_http_requests_total', 'Answered requests.', 'counter', () => this.#counts());
    const seconds = 'shoal_http_request_duration_seconds';
    add(seconds, 'Time from a request to the end of its answer.', 'histogram', () => this.#histogram(seconds));
  }

  #select(kind: string, status: number): void {
    let statuses = this.#answered.get(kind);
    if (!statuses) {
      statuses = new Map();
      this.#answered.set(kind, statuses);
      this.#durations.set(kind, { buckets: Array(bounds.length + 1).fill(0), seconds: 0 });
    }
    let counted = statuses.get(status);
    if (!counted) {
      counted = { count: 0 };
      statuses.set(status, counted);
    }
    this.#lastKind = kind;
    this.#lastStatus = status;
    this.#lastCount = counted;
    this.#lastDurations = this.#durations.get(kind) ?? this.#lastDurations;
  }

  #counts(): MetricValue<string>[] {
    return [...this.#answered].flatMap(([kind, statuses]) =>
      [...statuses].map(([status, { count }]) => ({ value: count, labels: { kind, status: String(status) } })),
    );
  }

  #histogram(name: string): MetricValue<string>[] {
    return [...this.#durations].flatMap(([kind, { buckets, seconds }]) => {
      let sum = 0;
      const rows = buckets.map((count, index) => {
        sum += count;
        const le = bounds[index] ?? '+Inf';
        return { metricName: `${name}_bucket`, value: sum, labels: { kind, le } };
      });
      return [
        ...rows,
        { metricName: `${name}_sum`, value: seconds, labels: { kind } },
        { metricName: `${name}_count`, value: sum, labels: { kind } },
      ] as MetricValue<string>[];
    });
  }
}
