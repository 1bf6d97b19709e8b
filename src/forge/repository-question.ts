import type { ForgeTarget } from '../core/forges.ts'
import type { ForgeQuestion } from './author-questions.ts'

/** Builds a GET that succeeds only if the token may read the repository. */
export type RepositoryQuestion = (target: ForgeTarget, token: string) => ForgeQuestion
