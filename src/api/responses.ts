import type { z } from 'zod'
import { errorBody } from '../contract/rest/rest.ts'

/** The answers of a route for its OpenAPI entry: this one, or an error. */
export function orError<Schema extends z.ZodType>(
  answer: Schema,
): { 200: Schema; '4xx': typeof errorBody; '5xx': typeof errorBody } {
  return { 200: answer, '4xx': errorBody, '5xx': errorBody }
}
