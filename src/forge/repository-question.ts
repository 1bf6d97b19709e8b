import type { ForgeTarget } from '../core/forges.ts'
import type { ForgeQuestion } from './author-questions.ts'

/** One GET that a forge answers to whom it lets see the repository; nothing is sent. */
export type RepositoryQuestion = (target: ForgeTarget, token: string) => ForgeQuestion
