/** What clients follow without asking again and again, and how often it is looked at for them. */
import type { HttpServices } from '../services.ts';
import { allFigures } from './cluster.ts';
import type { FollowedState } from './state-news.ts';

/** While something changes, in milliseconds. */
const livelyMs = 1000;

/** Members are asked for their figures this often while nothing changes, in milliseconds. */
const quietMs = 5000;

/** Looks that find nothing new before it counts as quiet. */
const livelyLooks = 5;

/** Damaged files that an event names; the report names all. */
const namedFiles = 50;

/** The states, each the type of an event. */
export function followedStates(services: HttpServices): readonly FollowedState[] {
  const { cluster, verifier } = services;
  return [
    {
      type: 'member-figures',
      read: () => allFigures(services),
      everyMs: (idle) => (idle < livelyLooks ? livelyMs : quietMs),
    },
    {
      type: 'verification',
      read: () => verifier.report && { ...verifier.report, bad: verifier.report.bad.slice(0, namedFiles) },
      everyMs: () => livelyMs,
    },
    { type: 'transfers-ended', read: () => ({ latest: cluster.history.latest }), everyMs: () => livelyMs },
  ];
}
