import type { ForgeTarget } from '../core/forges.ts'

/** One GET. */
export interface ForgeQuestion {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** Whose merged pull requests are asked for. */
export interface Asked {
  readonly authorId: number
  /** The name that the account has now; only where the forge asks by name. */
  readonly login: string
  readonly repositoryId: number
}

/** A pull request as its forge tells it. */
export interface ToldRequest {
  /** Whose it is, by the forge's number, and the name that the account has now. */
  readonly authorId: number
  readonly login: string
  /** The repository that it wants into. */
  readonly repositoryId: number
  readonly headSha: string
  /** The account that the head's repository belongs to; absent: it is gone, or is not told. */
  readonly headOwnerId?: number
  /** The project that the head is in, where its owner has to be asked for (GitLab). */
  readonly headProjectId?: number
  /** What it is to be compared with. */
  readonly base?: string
  readonly targetBranch?: string
}

/** A page of pull requests: whether there may be more behind it, and whose of them were merged. */
export interface ToldPage {
  readonly isLast: boolean
  readonly mergedOf: readonly number[]
}

/** What a kind of forge is asked, and how its answers are read; undefined: it is not what was expected. */
export interface ForgeQuestions {
  /** The pull request with this number. */
  readonly request: (number: number) => ForgeQuestion
  readonly readRequest: (json: unknown) => ToldRequest | undefined
  /** Which name the account with this number has; absent: nothing is asked by name. */
  readonly account?: Follow<string>
  /** Whose the project with this number is, by the account's; absent: the pull request tells that. */
  readonly project?: Follow<number>
  /** Merged pull requests of somebody, page by page, from 1. */
  readonly merged: (asked: Asked, page: number) => ForgeQuestion
  readonly readMerged: (json: unknown, asked: Asked) => ToldPage | undefined
}

/** A question by a number, with how its answer is read. */
export interface Follow<Value> {
  readonly ask: (id: number) => ForgeQuestion
  readonly read: (json: unknown, id: number) => Value | undefined
}

/** The questions to one repository's forge, under one token. */
export type AuthorQuestions = (target: ForgeTarget, token: string) => ForgeQuestions
