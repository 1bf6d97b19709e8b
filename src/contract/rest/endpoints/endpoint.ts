import type { z } from 'zod'
import type { Route } from './routes.ts'

/** An endpoint of the REST API: where it is, who may ask it, what it takes and what it answers. */
export interface Endpoint extends Route<string> {
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  readonly answer: z.ZodType
  /** Of the answer; 200 unless told. */
  readonly status?: 201
  /** Set where the answer is no JSON, but text that comes piece by piece. */
  readonly produces?: readonly [string]
}

/** What a client gives for what goes as text: the values that are meant, and undefined for those that are left out. */
type SentAsText<Schema extends z.ZodType, Input = z.input<Schema>, Output = z.output<Schema>> = {
  readonly [Key in keyof Input]:
    | (Key extends keyof Output ? Output[Key] : never)
    | (Input extends { readonly [One in Key]-?: unknown } ? never : undefined)
}

/** The type of one part, for who handles a request. */
export type PartOf<E, Part extends 'params' | 'query' | 'body'> =
  E extends Readonly<Record<Part, infer Schema extends z.ZodType>> ? z.output<Schema> : unknown

type GivenText<E, Part extends 'params' | 'query'> =
  E extends Readonly<Record<Part, infer Schema extends z.ZodType>>
    ? object extends z.input<Schema>
      ? { readonly [Key in Part]?: SentAsText<Schema> }
      : { readonly [Key in Part]: SentAsText<Schema> }
    : unknown

type GivenBody<E> =
  E extends Readonly<Record<'body', infer Schema extends z.ZodType>>
    ? undefined extends z.input<Schema>
      ? { readonly body?: z.input<Schema> }
      : { readonly body: z.input<Schema> }
    : unknown

/** What a client gives for a call. */
export type GivenTo<E> = GivenText<E, 'params'> & GivenText<E, 'query'> & GivenBody<E>

/** What a client is answered. */
export type AnswerOf<E extends { readonly answer: z.ZodType }> = z.output<E['answer']>
