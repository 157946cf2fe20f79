/** What makes a browser of these tests one of somebody elsewhere, for a node that trusts the proxy 127.0.0.1. */
export const strangerHeaders = { 'X-Forwarded-For': '203.0.113.7' } as const;
