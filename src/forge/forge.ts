import type { ForgeKind, WebhookForge } from '../core/forges.ts'
import type { AuthorQuestions } from './author-questions.ts'
import type { ForgeHooks } from './forge-hooks.ts'
import type { ReadRepository, RepositoryQuestion } from './repository-question.ts'
import type { StatusRequest } from './status-request.ts'

/**
 * What Narwhal does with a kind of forge, besides cloning. Pure: requests are built here and sent elsewhere.
 * Each kind has a folder and a line in `forges.ts`; its facts are in `core/forges.ts`.
 */
export interface ForgePort {
  /** Absent: it has no webhooks that we support, and is polled. */
  readonly hooks?: ForgeHooks
  /** Builds the POST that reports a commit status. */
  readonly statusRequest: StatusRequest
  /** Builds the GET that checks whether a token is still accepted. */
  readonly repositoryQuestion: RepositoryQuestion
  readonly readRepository: ReadRepository
  /** Absent where the forge has no refs for pull requests, so none are built, or can't be asked about them. */
  readonly authorQuestions?: AuthorQuestions
}

export interface WebhookForgePort extends ForgePort {
  readonly hooks: ForgeHooks
}

/** A port for each kind, with webhooks where its facts have them. */
export type ForgePorts = {
  readonly [Kind in ForgeKind]: Kind extends WebhookForge ? WebhookForgePort : ForgePort
}
