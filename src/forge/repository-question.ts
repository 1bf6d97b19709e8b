import { z } from 'zod'
import type { ForgeTarget } from '../core/forges.ts'
import type { ForgeQuestion } from './author-questions.ts'

/** Builds a GET that succeeds only if the token may read the repository. */
export type RepositoryQuestion = (target: ForgeTarget, token: string) => ForgeQuestion

/** A repository as its forge answers for it. */
export interface FoundRepository {
  /** Absent where the forge numbers none. */
  readonly id?: number
  /** Its present path, like `owner/name`. */
  readonly path: string
}

/** Parses the answer; undefined if it is malformed. */
export type ReadRepository = (json: unknown) => FoundRepository | undefined

const named = z.object({ full_name: z.string().min(1).max(300) })
const numbered = named.extend({ id: z.number().int().positive() })

/** As GitHub and those that follow it answer. */
export const readNumbered: ReadRepository = (json) => {
  const { data } = numbered.safeParse(json)
  return data && { id: data.id, path: data.full_name }
}

export const readNamed: ReadRepository = (json) => {
  const { data } = named.safeParse(json)
  return data && { path: data.full_name }
}
