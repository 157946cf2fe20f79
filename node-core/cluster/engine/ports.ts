/**
 * What the replication engine asks of the world. The engine is pure logic over these ports: a simulation drives it with a
 * clock, a network and disks of its own, node-core with real ones.
 */
import type { FeedCursor, Want } from '../../catalog/replication-values.ts';
import type { VersionVector } from '../../domain/version.ts';
import type { StagedFile } from '../../storage/staging.ts';

/** Questions that members ask each other, with their answers. All of it is JSON, but for the bytes of contents. */
export interface PeerQuestions {
  /** The next page of a feed. */
  changes: {
    readonly question: { readonly cursor?: FeedCursor; readonly seen: VersionVector; readonly limit: number };
    readonly answer: {
      /** Canonical texts of records, in order of arrival. */
      readonly records: readonly string[];
      readonly cursor?: FeedCursor;
      /** With the page that reaches the end: what the reader has seen once it has taken everything in. */
      readonly seen?: VersionVector;
      /** The reader has not seen what was forgotten here: the feed tells it too little, it must compare trees. */
      readonly compare: boolean;
    };
  };
  /** Where the feed ends and what is seen there: what a comparison of trees begins with. */
  head: {
    readonly question: Record<string, never>;
    readonly answer: { readonly cursor?: FeedCursor; readonly seen: VersionVector };
  };
  /** Digests of the buckets of the hash tree that are not empty. */
  buckets: { readonly question: Record<string, never>; readonly answer: Readonly<Record<string, string>> };
  /** Digests of the live records of a bucket, by path. */
  leaves: { readonly question: { readonly bucket: string }; readonly answer: Readonly<Record<string, string>> };
  /** Records by path, as canonical texts; unknown paths are left out. */
  records: {
    readonly question: { readonly paths: readonly string[] };
    readonly answer: { readonly records: readonly string[] };
  };
  /** Small things that all members have alike: entries of the buckets that differ. */
  shared: {
    readonly question: { readonly buckets: Readonly<Record<string, string>> };
    readonly answer: { readonly entries: readonly { readonly table: string; readonly value: unknown }[] };
  };
  /** Which of some contents are here, with verified bytes; the answer waits until all are, but no longer than told. */
  holding: {
    readonly question: { readonly contents: readonly string[]; readonly waitMs: number };
    readonly answer: { readonly held: readonly string[] };
  };
  /** Something is new here: whoever has not seen all that is seen here comes and reads; everybody when it is not told. */
  news: { readonly question: { readonly seen?: VersionVector }; readonly answer: Record<string, never> };
}

/** The name of a question. */
export type QuestionKind = keyof PeerQuestions;

/** A question by its name. */
export type Question<K extends QuestionKind> = PeerQuestions[K]['question'];

/** The answer to it. */
export type Answer<K extends QuestionKind> = PeerQuestions[K]['answer'];

/** The way to other members. */
export interface PeerLinks {
  /** Ids of the members that are not this node, whether they can be reached or not. */
  members(): readonly string[];
  /** @throws any error when the member cannot be reached, refuses, or does not answer in time. */
  ask<K extends QuestionKind>(member: string, kind: K, question: Question<K>): Promise<Answer<K>>;
}

/** Brings contents from members. */
export interface ContentTransfers {
  /**
   * Fetches a content from whoever has it, verified.
   * @returns undefined when no member that can be reached has it. @throws when a transfer broke off; it may be tried again.
   */
  fetch(want: Want): Promise<StagedFile | undefined>;
}

/** Time and chance. */
export interface Scheduler {
  /** Milliseconds since 1970, by the wall clock. */
  now(): number;
  /** Runs work later. @returns cancels it. */
  after(ms: number, work: () => void): () => void;
  /** From 0 up to 1. */
  random(): number;
}

/** Told of what went wrong behind the scenes; the engine goes on. */
export type ReportTrouble = (what: string, member: string | undefined, error: unknown) => void;
