import type { RemoteRef } from '../../lib/git/list-remote.ts'

/** Where to find the commit of an event whose webhook doesn't name it, besides at the event's ref. */
export interface CommitLookup {
  /** What the ref is at: a commit, or the object of an annotated tag. */
  readonly object?: string
  /** The branch of a pull request's head. */
  readonly headBranch?: string
  /** The request was opened again: its ref may have been left behind. */
  readonly isReopened?: true
  /** The path of the head's repository at the forge, if that is another one. */
  readonly fork?: string
}

/** What a look at the git server has shown; absent: not there, or not to be seen. */
export interface LookResult {
  readonly ref?: RemoteRef
  /** The commit of the head's branch, in its own repository. */
  readonly branch?: string
}

export interface Look {
  readonly lookup: CommitLookup
  readonly ref: string
  readonly seen: LookResult
  /** The commit that the ref was at as far as the store knows. */
  readonly known?: string | undefined
  /** Whether another webhook has lately told that it is there. */
  readonly isToldLately?: boolean
  /** How many looks there were before. */
  readonly looks: number
}

/** `isAtRef`: false if the ref itself doesn't have it. */
export type Finding =
  | { readonly kind: 'found'; readonly sha: string; readonly isAtRef: boolean }
  | { readonly kind: 'again' }
  | { readonly kind: 'lost'; readonly reason: string }

/** When the git server is looked at after a webhook arrived: some forges move a ref only after they told of it. */
export const LOOKS_AT_MS = [0, 300, 1_000, 4_000, 15_000] as const

/** From this look on the branch of a request that was opened again counts, wherever the request's own ref is. */
const LEFT_BEHIND_FROM = 2

/**
 * Which commit an event is for, by what a look has shown. A ref that is where it was before may not have been
 * moved yet. The branch of a pull request within the repository says for sure, since moving it takes write
 * access; Gogs leaves the request's ref behind after a reopening.
 */
export function findCommit(look: Look): Finding {
  const { lookup, seen, known, looks } = look
  const isLast = looks + 1 >= LOOKS_AT_MS.length
  const { ref, branch } = seen
  const isAtRef = true
  if (ref && isSure(lookup, ref, branch)) return { kind: 'found', sha: ref.commit, isAtRef }
  // A branch or tag that was created is often told of by its push, too.
  const isTold = look.isToldLately === true && lookup.headBranch === undefined
  if (ref && isTold && ref.commit === known) return { kind: 'found', sha: ref.commit, isAtRef }
  const isOwnBranch = branch !== undefined && lookup.fork === undefined
  if (isOwnBranch && (isLast || (lookup.isReopened && looks >= LEFT_BEHIND_FROM))) {
    return { kind: 'found', sha: branch, isAtRef: false }
  }
  if (ref && !isOwnBranch && lookup.object === undefined && isNew(look, ref)) {
    return { kind: 'found', sha: ref.commit, isAtRef }
  }
  if (!isLast) return { kind: 'again' }
  if (!ref) return { kind: 'lost', reason: `the git server has no ${look.ref}` }
  if (branch !== undefined && ref.commit === known) return lost(look, branch)
  return { kind: 'found', sha: ref.commit, isAtRef }
}

/** The ref is where the webhook, or the head's own branch, says that it should be. */
function isSure({ object }: CommitLookup, ref: RemoteRef, branch: string | undefined): boolean {
  return object === undefined
    ? ref.commit === branch
    : ref.object === object || ref.commit === object
}

/** The ref was moved; while a fork's branch is elsewhere, it may have to be moved again. */
function isNew({ lookup, seen, known, looks }: Look, ref: RemoteRef): boolean {
  if (seen.branch !== undefined) return false
  // Of a pull request whose ref isn't known, the first look may come too early.
  const isTooEarly = known === undefined && lookup.headBranch !== undefined && looks === 0
  return ref.commit !== known && !isTooEarly
}

function lost({ lookup: { fork, headBranch }, ref, known }: Look, branch: string): Finding {
  const reason = `the branch ${headBranch} of ${fork} is at ${branch}, but ${ref} was left at ${known}, so this repository doesn't have the commit: push to the pull request again`
  return { kind: 'lost', reason }
}
