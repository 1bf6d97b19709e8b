/** `${matrix.node}` in an image, a label or a value of `env`. */
const PLACEHOLDER = /\$\{matrix\.([A-Za-z][A-Za-z0-9_]*)\}/g

/** The axes that a text speaks of. */
export function axesIn(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].map(([, axis = '']) => axis)
}

/** The text with the value of each axis in its place. */
export function fillIn(text: string, valueOf: (axis: string) => string): string {
  return text.replaceAll(PLACEHOLDER, (_, axis: string) => valueOf(axis))
}
