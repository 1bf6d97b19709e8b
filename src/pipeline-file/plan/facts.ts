import type { Scalar } from '../schema/matrix.ts'

/** The scalar at a path as written in the file. */
export type TextAt = (path: readonly PropertyKey[]) => string | undefined

/** Values by name, as written and for expressions: a combination's axes, or a template's parameters. */
export type NamedValues = ReadonlyMap<string, { readonly text: string; readonly value: Scalar }>

/** The names that expressions may refer to, by kind. */
export interface KnownNames {
  readonly inputs: readonly string[]
  readonly matrix: readonly string[]
  readonly params: readonly string[]
}
