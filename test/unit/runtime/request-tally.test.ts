import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { RequestTally } from '../../../node-core/runtime/request-tally.ts';

describe('RequestTally', () => {
  it('shows what was counted as a counter and a histogram, in the words of Prometheus', async () => {
    const registry = new Registry();
    const tally = new RequestTally();
    tally.register(registry);
    tally.count('download', 200, 0.0005);
    tally.count('download', 200, 0.001);
    tally.count('api', 404, 0.3);
    tally.count('download', 206, 100);
    tally.count('download', 200, 3);
    const text = await registry.metrics();
    const lines = text.split('\n');
    for (const line of [
      '# TYPE shoal_http_requests_total counter',
      'shoal_http_requests_total{kind="download",status="200"} 3',
      'shoal_http_requests_total{kind="download",status="206"} 1',
      'shoal_http_requests_total{kind="api",status="404"} 1',
      '# TYPE shoal_http_request_duration_seconds histogram',
      'shoal_http_request_duration_seconds_bucket{kind="download",le="0.001"} 2',
      'shoal_http_request_duration_seconds_bucket{kind="download",le="2"} 2',
      'shoal_http_request_duration_seconds_bucket{kind="download",le="10"} 3',
      'shoal_http_request_duration_seconds_bucket{kind="download",le="60"} 3',
      'shoal_http_request_duration_seconds_bucket{kind="download",le="+Inf"} 4',
      'shoal_http_request_duration_seconds_count{kind="download"} 4',
      'shoal_http_request_duration_seconds_sum{kind="api"} 0.3',
      'shoal_http_request_duration_seconds_bucket{kind="api",le="0.1"} 0',
      'shoal_http_request_duration_seconds_bucket{kind="api",le="0.5"} 1',
    ]) {
      expect(lines).toContain(line);
    }
    expect(text).toMatch(/shoal_http_request_duration_seconds_sum\{kind="download"\} 103\.0015/);
  });
});
