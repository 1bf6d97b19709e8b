import { present } from '../../lib/present.ts'
import {
  BARE_COMMIT_REF,
  type CommitEvent,
  type EventKind,
  type Trust,
  type TrustFacts,
} from '../commit-event.ts'
import type { StrangerReason } from './stranger-reason.ts'

/** A repository's own rules. */
export interface TrustRules {
  /** Accounts, by the forge's numbers, that count as strangers even on the repository's own branches. */
  readonly strangerAccounts?: readonly number[]
}

export function isStranger({ stranger }: Pick<Trust, 'stranger'>): boolean {
  return stranger !== undefined
}

/** Whether a ref is a branch or a tag: moving those takes write access to the repository. */
export function isOwnRef(ref: string): boolean {
  return /^refs\/(?:heads|tags)\/./.test(ref)
}

/**
 * Decides whether a commit is a stranger's, and keeps the facts behind the decision. Fails safe: what is
 * missing, malformed or unknown makes it a stranger's.
 */
export function decideTrust(
  event: Pick<CommitEvent, 'kind' | 'ref' | 'source'>,
  facts: TrustFacts,
  rules: TrustRules = {},
): Trust {
  const stranger = findReason(event, facts) ?? reasonOfAccount(event, facts, rules)
  return { ...facts, ...present({ stranger }) }
}

function findReason(
  { kind, ref, source }: Pick<CommitEvent, 'kind' | 'ref' | 'source'>,
  facts: TrustFacts,
): StrangerReason | undefined {
  if (kind === 'pull_request') {
    // A ref doesn't say whose pull request it is.
    return source === 'webhook' ? reasonOfRequest(facts) : 'polled_request'
  }
  if (!isOwnRef(ref)) return 'other_ref'
  // A manual start can name any commit that the forge serves, also a fork's.
  if (kind === 'manual' && facts.seenAt === undefined) return 'unseen_commit'
  return undefined
}

function reasonOfRequest(facts: TrustFacts): StrangerReason | undefined {
  const { headRepositoryId: head, baseRepositoryId: base, repositoryId: own } = facts
  if (head === undefined) return 'head_gone'
  if (head !== base || head !== own) return 'other_repository'
  const { headRef, headLabel, flow } = facts
  if (headRef === undefined) return 'head_ref_missing'
  // Gitea and Forgejo let anyone with read access push to refs/for/…, and report the repository itself as the
  // head's.
  const isAgit = flow === true || headLabel === '' || headRef.startsWith('refs/pull/')
  if (isAgit) return 'agit'
  return headRef === '' || headRef.startsWith('refs/') ? 'head_ref_odd' : undefined
}

/** Bots that push others' work to a branch of the repository itself. */
function reasonOfAccount(
  { source }: Pick<CommitEvent, 'source'>,
  { actorId, senderId }: TrustFacts,
  { strangerAccounts = [] }: TrustRules,
): StrangerReason | undefined {
  // A user who may start pipelines is responsible for what they start.
  if (strangerAccounts.length === 0 || source === 'manual') return undefined
  const accounts = [actorId, senderId].filter((id) => id !== undefined)
  if (accounts.length === 0) return 'unknown_account'
  return accounts.some((id) => strangerAccounts.includes(id)) ? 'listed_account' : undefined
}

/** As written by a version of Narwhal that kept fewer facts. */
export interface FormerTrust {
  readonly actorId?: number
  readonly headRepositoryId?: number
  readonly fromFork: boolean
}

/**
 * Converts an earlier version's decision: it mistook a few strangers for our own, so only what it can't have
 * got wrong is still trusted.
 */
export function trustOfFormer(
  { kind, ref }: { readonly kind: EventKind; readonly ref: string },
  { fromFork, ...facts }: FormerTrust,
): Trust {
  if (fromFork) return { ...facts, stranger: 'other_repository' }
  const isSure = kind !== 'pull_request' && isOwnRef(ref) && ref !== BARE_COMMIT_REF
  return isSure ? facts : { ...facts, stranger: 'not_recorded' }
}
