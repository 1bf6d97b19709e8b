import type { z } from 'zod'
import { ROUTES, type Route, type RouteName } from './routes.ts'

/** An endpoint of the REST API: its route, and the schemas of its requests and responses. */
export interface Endpoint extends Route<string> {
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  readonly answer: z.ZodType
  /** Of the response; by default 200. */
  readonly status?: 201
  /** Set if the response is streamed text instead of JSON. */
  readonly produces?: readonly [string]
}

type Described = Omit<Endpoint, keyof Route | 'tags'>

/** Endpoints under one tag of the OpenAPI document, each joined with the route of its name. */
type Joined<Group> = {
  readonly [Name in keyof Group & RouteName]: (typeof ROUTES)[Name] &
    Group[Name] & { readonly tags: readonly [string] }
}

export function endpoints<const Group extends { readonly [Name in RouteName]?: Described }>(
  tag: string,
  group: Group,
): Joined<Group> {
  const entries = Object.entries<Described>(group).map(([name, one]) => {
    return [name, { ...ROUTES[name as RouteName], ...one, tags: [tag] }] as const
  })
  return Object.fromEntries(entries) as unknown as Joined<Group>
}

/** What a client passes for parameters sent as text: the parsed values, or undefined to omit one. */
type SentAsText<Schema extends z.ZodType, Input = z.input<Schema>, Output = z.output<Schema>> = {
  readonly [Key in keyof Input]:
    | (Key extends keyof Output ? Output[Key] : never)
    | (Input extends { readonly [One in Key]-?: unknown } ? never : undefined)
}

/** The type of one part, as a handler gets it. */
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

/** What a client passes to a call. */
export type GivenTo<E> = GivenText<E, 'params'> & GivenText<E, 'query'> & GivenBody<E>

/** What a client gets back. */
export type AnswerOf<E extends { readonly answer: z.ZodType }> = z.output<E['answer']>
