import type { ForgeKind, WebhookForge } from '../core/forges.ts'
import type { AuthorQuestions } from './author-questions.ts'
import type { ForgeHooks } from './forge-hooks.ts'
import type { RepositoryQuestion } from './repository-question.ts'
import type { StatusRequest } from './status-request.ts'

/**
 * What Narwhal does with a kind of forge, besides cloning. All of it is pure: what is told and asked is sent
 * by others. Each kind has a folder, and a line in `forges.ts`; its facts are in `core/forges.ts`.
 */
export interface ForgePort {
  /** How its webhooks are read; absent: its commits are found by polling. */
  readonly hooks?: ForgeHooks
  /** The one POST that tells it of a commit's status. */
  readonly statusRequest: StatusRequest
  /** By what it is tried whether it still takes a token. */
  readonly repositoryQuestion: RepositoryQuestion
  /** What it is asked of pull requests; absent where it shows none as refs, so that none are built. */
  readonly authorQuestions?: AuthorQuestions
}

/** One that tells of commits by webhooks. */
export interface WebhookForgePort extends ForgePort {
  readonly hooks: ForgeHooks
}

/** A port for each kind, with webhooks where its facts have them. */
export type ForgePorts = {
  readonly [Kind in ForgeKind]: Kind extends WebhookForge ? WebhookForgePort : ForgePort
}
