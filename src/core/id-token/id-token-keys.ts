import { LONGEST_ID_TOKEN_MS } from './id-token.ts'

/** The life of a key that signs id tokens, in epoch milliseconds: shown, then it signs, then it leaves. */
export interface KeyTimes {
  /** Since when it is among those that are shown. */
  readonly createdAt: number
  /** From when on it signs, until a newer one does. */
  readonly signsAt: number
  /** When it stops being shown; absent: no newer one is made yet. */
  readonly leavesAt?: number
}

const HOUR_MS = 3_600_000

/** A key is shown so long before it signs: whoever looks once a day knows it by then. */
export const SHOWN_AHEAD_MS = 24 * HOUR_MS
/** How long a key signs, unless somebody wants another one earlier. */
export const SIGNS_FOR_MS = 90 * 24 * HOUR_MS
/** How long it is shown after a newer one signs: until its last token is over, and a day. */
export const SHOWN_AFTER_MS = 24 * HOUR_MS + LONGEST_ID_TOKEN_MS
/** How long others may keep the documents, in seconds. */
export const DOCUMENT_AGE_S = 900

export const KEY_STATES = ['waiting', 'signing', 'leaving', 'gone'] as const
export type KeyState = (typeof KEY_STATES)[number]

/** Those that are shown. */
export function shownKeys<Key extends KeyTimes>(keys: readonly Key[], now: number): Key[] {
  return keys.filter(({ leavesAt }) => leavesAt === undefined || leavesAt > now)
}

/** The one that signs: of those that are shown and whose time has come, the newest. */
export function signingKey<Key extends KeyTimes>(
  keys: readonly Key[],
  now: number,
): Key | undefined {
  return shownKeys(keys, now)
    .filter(({ signsAt }) => signsAt <= now)
    .toSorted((a, b) => b.signsAt - a.signsAt || b.createdAt - a.createdAt)[0]
}

/** One that is shown and does not sign yet. */
export function waitingKey<Key extends KeyTimes>(
  keys: readonly Key[],
  now: number,
): Key | undefined {
  return shownKeys(keys, now).find(({ signsAt }) => signsAt > now)
}

export function stateOfKey<Key extends KeyTimes>(
  key: Key,
  keys: readonly Key[],
  now: number,
): KeyState {
  if (!shownKeys([key], now).length) return 'gone'
  if (key.signsAt > now) return 'waiting'
  return signingKey(keys, now) === key ? 'signing' : 'leaving'
}

/** Whether a key has to be made: one that signs `at once`, or the `next`. */
export function missingKey(keys: readonly KeyTimes[], now: number): 'at once' | 'next' | undefined {
  const signing = signingKey(keys, now)
  if (!signing) return 'at once'
  const isOld = now >= signing.signsAt + SIGNS_FOR_MS - SHOWN_AHEAD_MS
  return isOld && !waitingKey(keys, now) ? 'next' : undefined
}
