/** `${matrix.node}` or `${params.version}` in an image, a label or a value of `env`. */
const PLACEHOLDER = /\$\{(matrix|params)\.([A-Za-z][A-Za-z0-9_]*)\}/g

/** An axis of the job's matrix, or a parameter of its template. */
export interface Placeholder {
  readonly kind: 'matrix' | 'params'
  readonly name: string
}

/** The placeholders in a text. */
export function placeholdersIn(text: string): Placeholder[] {
  return [...text.matchAll(PLACEHOLDER)].map(([, kind, name = '']) => ({
    kind: kind as Placeholder['kind'],
    name,
  }))
}

/** The text with all placeholders filled in. */
export function fillIn(text: string, valueOf: (placeholder: Placeholder) => string): string {
  return text.replaceAll(PLACEHOLDER, (_, kind: Placeholder['kind'], name: string) =>
    valueOf({ kind, name }),
  )
}
