import { z } from 'zod'
import { isRef, isSha, isZeroSha } from '../core/commit-event.ts'

/** A forge's number of an account, a repository or a pull request. */
export const id = z.number().int().positive()
export const ref = z.string().refine(isRef, 'is not a full, well-formed ref name')
export const sha = z.string().refine(isSha, 'is not a full object name')
export const commitSha = sha.refine((name) => !isZeroSha(name), 'is the zero object name')
