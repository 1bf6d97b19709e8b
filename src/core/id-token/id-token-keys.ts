import { LONGEST_ID_TOKEN_MS } from './id-token.ts'

/** The life of a key that signs id tokens, in epoch milliseconds: published, signing, retired. */
export interface KeyTimes {
  /** When it was first published. */
  readonly createdAt: number
  /** When it begins to sign, until a newer one does. */
  readonly signsAt: number
  /** When it is no longer published; absent: there is no newer one yet. */
  readonly leavesAt?: number
}

const HOUR_MS = 3_600_000

/** How long a key is published before it signs: verifiers that refresh once a day have it by then. */
export const PUBLISHED_AHEAD_MS = 24 * HOUR_MS
/** How long a key signs, unless it is rotated earlier. */
export const SIGNS_FOR_MS = 90 * 24 * HOUR_MS
/** How long it is published after a newer one signs: until its last token expires, plus a day. */
export const PUBLISHED_AFTER_MS = 24 * HOUR_MS + LONGEST_ID_TOKEN_MS
/** How long verifiers may cache the documents, in seconds. */
export const DOCUMENT_AGE_S = 900

export const KEY_STATES = ['waiting', 'signing', 'leaving', 'gone'] as const
export type KeyState = (typeof KEY_STATES)[number]

/** The published keys. */
export function publishedKeys<Key extends KeyTimes>(keys: readonly Key[], now: number): Key[] {
  return keys.filter(({ leavesAt }) => leavesAt === undefined || leavesAt > now)
}

/** The key in use: the newest published one whose time has come. */
export function signingKey<Key extends KeyTimes>(
  keys: readonly Key[],
  now: number,
): Key | undefined {
  return publishedKeys(keys, now)
    .filter(({ signsAt }) => signsAt <= now)
    .toSorted((a, b) => b.signsAt - a.signsAt || b.createdAt - a.createdAt)[0]
}

/** A published key that doesn't sign yet. */
export function waitingKey<Key extends KeyTimes>(
  keys: readonly Key[],
  now: number,
): Key | undefined {
  return publishedKeys(keys, now).find(({ signsAt }) => signsAt > now)
}

export function stateOfKey<Key extends KeyTimes>(
  key: Key,
  keys: readonly Key[],
  now: number,
): KeyState {
  if (!publishedKeys([key], now).length) return 'gone'
  if (key.signsAt > now) return 'waiting'
  return signingKey(keys, now) === key ? 'signing' : 'leaving'
}

/** Whether a key must be created: one that signs `at once`, or the `next`. */
export function missingKey(keys: readonly KeyTimes[], now: number): 'at once' | 'next' | undefined {
  const signing = signingKey(keys, now)
  if (!signing) return 'at once'
  const isOld = now >= signing.signsAt + SIGNS_FOR_MS - PUBLISHED_AHEAD_MS
  return isOld && !waitingKey(keys, now) ? 'next' : undefined
}
