import type { ForgeTarget } from '../core/forges.ts'
import type { RequestFacts } from '../core/request-facts.ts'

/** One GET request. */
export interface ForgeQuestion {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** Selects the author's merged pull requests. */
export interface MergedQuery {
  readonly authorId: number
  /** The account's current name; used only where the forge filters by name. */
  readonly login: string
  readonly repositoryId: number
}

/** A pull request as its forge reports it. */
export interface ForgePullRequest {
  /** The author: the forge's account number and its current name. */
  readonly authorId: number
  readonly login: string
  /** The target repository. */
  readonly repositoryId: number
  readonly headSha: string
  /** The owner of the head's repository; absent if it was deleted or isn't reported. */
  readonly headOwnerId?: number
  /** The head's project, where its owner takes another request (GitLab). */
  readonly headProjectId?: number
  /** The commit to compare with. */
  readonly base?: string
  readonly targetBranch?: string
  readonly request?: RequestFacts
}

/** One page of pull requests; `mergedOf`: the authors of those that were merged. */
export interface MergedPage {
  readonly isLast: boolean
  readonly mergedOf: readonly number[]
}

/**
 * A forge's API for authors: requests and how to parse their responses; undefined if a response is malformed.
 */
export interface ForgeQuestions {
  readonly request: (number: number) => ForgeQuestion
  readonly readRequest: (json: unknown) => ForgePullRequest | undefined
  /** Looks up an account's current name; absent if the forge filters by number. */
  readonly account?: Follow<string>
  /** Looks up the account that owns a project; absent if the pull request already says. */
  readonly project?: Follow<number>
  /** An author's merged pull requests; pages count from 1. */
  readonly merged: (query: MergedQuery, page: number) => ForgeQuestion
  readonly readMerged: (json: unknown, query: MergedQuery) => MergedPage | undefined
}

/** A lookup by number, with the parser of its response. */
export interface Follow<Value> {
  readonly ask: (id: number) => ForgeQuestion
  readonly read: (json: unknown, id: number) => Value | undefined
}

export type AuthorQuestions = (target: ForgeTarget, token: string) => ForgeQuestions
