import type { Scalar } from '../schema/matrix.ts'

/** The scalar at a path as the file writes it. */
export type TextAt = (path: readonly PropertyKey[]) => string | undefined

/**
 * Values by name, as the file writes them and for expressions: of the axes of one combination, or of
 * the parameters of a template.
 */
export type NamedValues = ReadonlyMap<string, { readonly text: string; readonly value: Scalar }>

/** What expressions may speak of, by its kind. */
export interface KnownNames {
  readonly inputs: readonly string[]
  readonly matrix: readonly string[]
  readonly params: readonly string[]
}
