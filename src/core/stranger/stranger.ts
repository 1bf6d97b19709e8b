import { present } from '../../lib/present.ts'
import type { CommitEvent, EventKind, Trust, TrustFacts } from '../commit-event.ts'
import type { StrangerReason } from './stranger-reason.ts'

/** What a repository adds to what the forge has told. */
export interface TrustRules {
  /** Accounts, by the forge's numbers, that are strangers also on the repository's own branches. */
  readonly strangerAccounts?: readonly number[]
}

/** Whether a commit is a stranger's: its reason decides, and nothing else. */
export function isStranger({ stranger }: Pick<Trust, 'stranger'>): boolean {
  return stranger !== undefined
}

/** What stands for a ref where a commit was started by its name alone. */
export const BARE_COMMIT_REF = 'refs/heads/HEAD'

/** Whether a ref is a branch or a tag: only who may write to the repository can move those. */
export function isOwnRef(ref: string): boolean {
  return /^refs\/(?:heads|tags)\/./.test(ref)
}

/**
 * Decides whether a commit is a stranger's, and keeps the facts that it was decided by. Our own is
 * only what is known to be: whatever is missing, odd or new errs on the safe side.
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
    // A ref does not say whose pull request it is.
    return source === 'webhook' ? reasonOfRequest(facts) : 'polled_request'
  }
  if (!isOwnRef(ref)) return 'other_ref'
  // Whoever starts a pipeline by hand can name any commit that the forge gives out.
  if (kind === 'manual' && facts.seenAt === undefined) return 'unseen_commit'
  return undefined
}

function reasonOfRequest(facts: TrustFacts): StrangerReason | undefined {
  const { headRepositoryId: head, baseRepositoryId: base, repositoryId: own } = facts
  if (head === undefined) return 'head_gone'
  if (head !== base || head !== own) return 'other_repository'
  const { headRef, headLabel, flow } = facts
  if (headRef === undefined) return 'head_ref_missing'
  // Gitea and Forgejo let whoever may read push to refs/for/…, and call its head their own repository's.
  const isAgit = flow === true || headLabel === '' || headRef.startsWith('refs/pull/')
  if (isAgit) return 'agit'
  return headRef === '' || headRef.startsWith('refs/') ? 'head_ref_odd' : undefined
}

/** Somebody's program that brings others' work to a branch of the repository itself. */
function reasonOfAccount(
  { source }: Pick<CommitEvent, 'source'>,
  { actorId, senderId }: TrustFacts,
  { strangerAccounts = [] }: TrustRules,
): StrangerReason | undefined {
  // A person who may start pipelines answers for what they start.
  if (strangerAccounts.length === 0 || source === 'manual') return undefined
  const accounts = [actorId, senderId].filter((id) => id !== undefined)
  if (accounts.length === 0) return 'unknown_account'
  return accounts.some((id) => strangerAccounts.includes(id)) ? 'listed_account' : undefined
}

/** What a version of Narwhal has written that kept fewer facts. */
export interface FormerTrust {
  readonly actorId?: number
  readonly headRepositoryId?: number
  readonly fromFork: boolean
}

/**
 * What a former version's decision is worth: it took a few strangers for our own, so that only what
 * it could not have got wrong is still our own.
 */
export function trustOfFormer(
  { kind, ref }: { readonly kind: EventKind; readonly ref: string },
  { fromFork, ...facts }: FormerTrust,
): Trust {
  if (fromFork) return { ...facts, stranger: 'other_repository' }
  const isSure = kind !== 'pull_request' && isOwnRef(ref) && ref !== BARE_COMMIT_REF
  return isSure ? facts : { ...facts, stranger: 'not_recorded' }
}
